/* USART2 for the link over a UART; uart_link.c says what each function is for. */
#ifndef UART_PORT_H
#define UART_PORT_H

#include <stdbool.h>

#include "usart2.h"

static inline uint32_t uart_port_status(void) {
    return USART2_ISR;
}

static inline uint32_t uart_port_receive(uint32_t status, uint8_t *byte) {
    if ((status & USART2_ISR_ORE) != 0) {
        USART2_ICR = USART2_ICR_ORECF; /* the receiver stands still until then */
    }
    if ((status & USART2_ISR_RXNE) == 0) {
        return 0;
    }
    *byte = (uint8_t)USART2_RDR;
    return 1;
}

static inline bool uart_port_takes(uint32_t status) {
    return (status & USART2_ISR_TXE) != 0;
}

static inline void uart_port_send(uint8_t byte) {
    USART2_TDR = byte;
}

static inline void uart_port_ask(bool whenever_it_takes) {
    if (whenever_it_takes) {
        USART2_CR1 |= USART2_CR1_TXEIE;
    } else {
        USART2_CR1 &= ~USART2_CR1_TXEIE;
    }
}

#endif
