/* The registers used here, named and placed as in the nRF51 Series Reference Manual v3.0.1. */
#ifndef NRF51_H
#define NRF51_H

#include <stdbool.h>
#include <stdint.h>

#define NRF51_REGISTER(address) (*(volatile uint32_t *)(address))

/* Chapter 11, POWER. */
#define POWER_TASKS_CONSTLAT NRF51_REGISTER(0x40000078u)

/* Chapter 12, CLOCK. */
#define CLOCK_TASKS_HFCLKSTART    NRF51_REGISTER(0x40000000u)
#define CLOCK_EVENTS_HFCLKSTARTED NRF51_REGISTER(0x40000100u)

/* Chapter 14, GPIO. */
#define GPIO_OUTSET               NRF51_REGISTER(0x50000508u)
#define GPIO_OUTCLR               NRF51_REGISTER(0x5000050Cu)
#define GPIO_PIN_CNF(pin)         NRF51_REGISTER(0x50000700u + 4u * (pin))
#define GPIO_PIN_CNF_INPUT        0x00000000u /* DIR input, INPUT connect, PULL disabled */
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

/* Chapter SPIS: SPIS1, which shares its address and interrupt with SPI1 and TWI1. */
#define SPIS1_TASKS_ACQUIRE      NRF51_REGISTER(0x40004024u)
#define SPIS1_TASKS_RELEASE      NRF51_REGISTER(0x40004028u)
#define SPIS1_EVENTS_END         NRF51_REGISTER(0x40004104u)
#define SPIS1_SHORTS             NRF51_REGISTER(0x40004200u)
#define SPIS1_SHORTS_END_ACQUIRE (1u << 2)
#define SPIS1_INTENSET           NRF51_REGISTER(0x40004304u)
#define SPIS1_INTENSET_END       (1u << 1)
#define SPIS1_SEMSTAT            NRF51_REGISTER(0x40004400u)
#define SPIS1_SEMSTAT_MASK       3u
#define SPIS1_SEMSTAT_CPU        1u
#define SPIS1_ENABLE             NRF51_REGISTER(0x40004500u)
#define SPIS1_ENABLE_ENABLED     2u
#define SPIS1_PSELSCK            NRF51_REGISTER(0x40004508u)
#define SPIS1_PSELMISO           NRF51_REGISTER(0x4000450Cu)
#define SPIS1_PSELMOSI           NRF51_REGISTER(0x40004510u)
#define SPIS1_PSELCSN            NRF51_REGISTER(0x40004514u)
#define SPIS1_RXDPTR             NRF51_REGISTER(0x40004534u)
#define SPIS1_MAXRX              NRF51_REGISTER(0x40004538u)
#define SPIS1_AMOUNTRX           NRF51_REGISTER(0x4000453Cu)
#define SPIS1_TXDPTR             NRF51_REGISTER(0x40004544u)
#define SPIS1_MAXTX              NRF51_REGISTER(0x40004548u)
#define SPIS1_CONFIG             NRF51_REGISTER(0x40004554u)
#define SPIS1_CONFIG_MODE(mode)  (((mode) & 1u) << 1 | ((mode) >> 1 & 1u) << 2) /* CPHA, CPOL */
#define SPIS1_DEF                NRF51_REGISTER(0x4000455Cu) /* sent without the semaphore */
#define SPIS1_ORC                NRF51_REGISTER(0x400045C0u) /* sent behind the MAXTX-th byte */

/* Interrupts. */
#define NRF51_UART_IRQ  2u
#define NRF51_SPIS1_IRQ 4u

/* ---- the link: uart.c or spi.c, which have port_read(), port_write() and port_memory() as well */

/* Pins and peripheral. */
void nrf51_link_start(void);

/* With interrupts masked: before the core sleeps; whether there is nothing to read. */
bool nrf51_link_idle(void);

/* The vector of the link's interrupt, 16 + NRF51_LINK_IRQ. */
void nrf51_uart_handler(void);
void nrf51_spi_handler(void);
#ifdef BOARD_LINK_SPI
#define NRF51_LINK_IRQ     NRF51_SPIS1_IRQ
#define NRF51_LINK_HANDLER nrf51_spi_handler
#else
#define NRF51_LINK_IRQ     NRF51_UART_IRQ
#define NRF51_LINK_HANDLER nrf51_uart_handler
#endif

#endif
