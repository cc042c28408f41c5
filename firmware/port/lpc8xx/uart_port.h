/* USART0 for the link over a UART; uart_link.c says what each function is for. */
#ifndef UART_PORT_H
#define UART_PORT_H

#include "lpc8xx.h"

static inline uint32_t uart_port_status(void) {
    return USART0_STAT;
}

static inline uint32_t uart_port_receive(uint32_t status, uint8_t *byte) {
    if ((status & USART0_STAT_OVERRUN) != 0) {
        USART0_STAT = USART0_STAT_OVERRUN;
    }
    if ((status & USART0_STAT_RXRDY) == 0) {
        return 0;
    }
    *byte = (uint8_t)USART0_RXDAT;
    return 1;
}

static inline bool uart_port_takes(uint32_t status) {
    return (status & USART0_STAT_TXRDY) != 0;
}

static inline void uart_port_send(uint8_t byte) {
    USART0_TXDAT = byte;
}

static inline void uart_port_ask(bool whenever_it_takes) {
    if (whenever_it_takes) {
        USART0_INTENSET = USART0_INTEN_TXRDY;
    } else {
        USART0_INTENCLR = USART0_INTEN_TXRDY;
    }
}

#endif
