/*
 * USART2, named and placed as in RM0377 (STM32L0) and RM0091 (STM32F0), which have the same block
 * at the same address. Registers keep their reset values where nothing is written: 8 data bits, no
 * parity, 1 stop bit, 16 samples a bit, clocked by the bus clock, which is the core's here.
 */
#ifndef USART2_H
#define USART2_H

#include <stdint.h>

#include "baud.h"

#define USART2_REGISTER(offset) (*(volatile uint32_t *)(0x40004400u + (offset)))

#define USART2_CR1        USART2_REGISTER(0x00u)
#define USART2_CR1_UE     (1u << 0)
#define USART2_CR1_RE     (1u << 2)
#define USART2_CR1_TE     (1u << 3)
#define USART2_CR1_RXNEIE (1u << 5) /* interrupt on USART2_ISR_RXNE and on USART2_ISR_ORE */
#define USART2_CR1_TXEIE  (1u << 7)
#define USART2_BRR        USART2_REGISTER(0x0Cu)
#define USART2_ISR        USART2_REGISTER(0x1Cu)
#define USART2_ISR_ORE    (1u << 3)
#define USART2_ISR_RXNE   (1u << 5)
#define USART2_ISR_TC     (1u << 6)
#define USART2_ISR_TXE    (1u << 7)
#define USART2_ISR_BUSY   (1u << 16) /* a byte is arriving */
#define USART2_ICR        USART2_REGISTER(0x20u)
#define USART2_ICR_ORECF  (1u << 3)
#define USART2_RDR        USART2_REGISTER(0x24u)
#define USART2_TDR        USART2_REGISTER(0x28u)
#define USART2_IRQ        28u

/* 16 samples a bit: the register is the clock over the baud rate. */
#define USART2_BRR_OF(clock_hz)    BAUD_DIVIDER(clock_hz, 1u)
#define USART2_BAUD_FITS(clock_hz) BAUD_FITS(clock_hz, 1u, 16u, 0xFFFFu)

/* Its pins of port A and itself, whose clocks are on; `baud_register`: USART2_BRR_OF its clock. */
void usart2_start(uint32_t baud_register);

#endif
