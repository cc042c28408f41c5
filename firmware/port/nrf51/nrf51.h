/* The registers used here, named and placed as in the nRF51 Series Reference Manual v3.0.1. */
#ifndef NRF51_H
#define NRF51_H

#include <stdint.h>

#define NRF51_REGISTER(address) (*(volatile uint32_t *)(address))

/* Chapter 12, CLOCK. */
#define CLOCK_TASKS_HFCLKSTART    NRF51_REGISTER(0x40000000u)
#define CLOCK_EVENTS_HFCLKSTARTED NRF51_REGISTER(0x40000100u)

/* Chapter 14, GPIO. */
#define GPIO_OUTSET               NRF51_REGISTER(0x50000508u)
#define GPIO_PIN_CNF(pin)         NRF51_REGISTER(0x50000700u + 4u * (pin))
#define GPIO_PIN_CNF_INPUT_PULLUP 0x0000000Cu /* DIR input, INPUT connect, PULL pull-up */
#define GPIO_PIN_CNF_OUTPUT       0x00000003u /* DIR output, INPUT disconnect */

/* Chapter 18, TIMER0, the one with 32 bits: it counts HFCLK, which is also the core's clock. */
#define TIMER0_TASKS_START    NRF51_REGISTER(0x40008000u)
#define TIMER0_TASKS_CAPTURE0 NRF51_REGISTER(0x40008040u)
#define TIMER0_BITMODE        NRF51_REGISTER(0x40008508u)
#define TIMER0_BITMODE_32     3u
#define TIMER0_PRESCALER      NRF51_REGISTER(0x40008510u)
#define TIMER0_CC0            NRF51_REGISTER(0x40008540u)

/* Chapter 29, UART. */
#define UART_TASKS_STARTRX   NRF51_REGISTER(0x40002000u)
#define UART_TASKS_STARTTX   NRF51_REGISTER(0x40002008u)
#define UART_EVENTS_RXDRDY   NRF51_REGISTER(0x40002108u)
#define UART_EVENTS_TXDRDY   NRF51_REGISTER(0x4000211Cu)
#define UART_EVENTS_ERROR    NRF51_REGISTER(0x40002124u)
#define UART_INTENSET        NRF51_REGISTER(0x40002304u)
#define UART_INTENSET_RXDRDY (1u << 2)
#define UART_INTENSET_ERROR  (1u << 9)
#define UART_ERRORSRC        NRF51_REGISTER(0x40002480u)
#define UART_ENABLE          NRF51_REGISTER(0x40002500u)
#define UART_ENABLE_ENABLED  4u
#define UART_PSELTXD         NRF51_REGISTER(0x4000250Cu)
#define UART_PSELRXD         NRF51_REGISTER(0x40002514u)
#define UART_RXD             NRF51_REGISTER(0x40002518u)
#define UART_TXD             NRF51_REGISTER(0x4000251Cu)
#define UART_BAUDRATE        NRF51_REGISTER(0x40002524u)

/* ARMv6-M, B3.4: interrupt set-enable. */
#define NVIC_ISER      NRF51_REGISTER(0xE000E100u)
#define NRF51_UART_IRQ 2u

/* Vector 16 + NRF51_UART_IRQ. */
void nrf51_uart_handler(void);

#endif
