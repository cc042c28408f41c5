/* What the test programs of tests/cycles need of an nRF51: vectors, a UART to send by, TIMER0. */
#ifndef MICROBIT_H
#define MICROBIT_H

#include <stdint.h>

#define REG(address)   (*(volatile uint32_t *)(address))
#define UART_RX_IRQ    2u
#define TIMER0_IRQ     8u
#define TIMER1_IRQ     9u
#define TIMER(n)       (0x40008000u + (n) * 0x1000u)
#define NVIC_ISER      REG(0xE000E100u)
#define NVIC_ICER      REG(0xE000E180u)
#define NVIC_ISPR      REG(0xE000E200u)
#define SHPR3          REG(0xE000ED20u)
#define NVIC_IPR(n)    REG(0xE000E400u + 4u * (n))
#define ICSR           REG(0xE000ED04u)
#define ICSR_PENDSVSET (1u << 28)
#define ICSR_PENDSVCLR (1u << 27)

/* Sends one byte and waits until it is gone. */
void uart_send(uint8_t byte);

/* The test program. What it returns is sent as four bytes, then the core sleeps for ever. */
uint32_t test_main(void);

/* Handlers that a test program may define; the default ones stop. */
void hard_fault_handler(void);
void svc_handler(void);
void pendsv_handler(void);
void uart_handler(void);
void timer0_handler(void);
void timer1_handler(void);

#endif
