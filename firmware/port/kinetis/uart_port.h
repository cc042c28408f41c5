/* UART0 for the link over a UART; uart_link.c says what each function is for. */
#ifndef UART_PORT_H
#define UART_PORT_H

#include "kinetis.h"

static inline uint32_t uart_port_status(void) {
    return UART0_S1;
}

static inline uint32_t uart_port_receive(uint32_t status, uint8_t *byte) {
    if ((status & UART0_S1_ERRORS) != 0) {
        UART0_S1 = UART0_S1_ERRORS; /* after an overrun the receiver stands still until then */
    }
    if ((status & UART0_S1_RDRF) == 0) {
        return 0;
    }
    *byte = UART0_D;
    return 1;
}

static inline bool uart_port_takes(uint32_t status) {
    return (status & UART0_S1_TDRE) != 0;
}

static inline void uart_port_send(uint8_t byte) {
    UART0_D = byte;
}

static inline void uart_port_ask(bool whenever_it_takes) {
    UART0_C2 = UART0_C2_TE | UART0_C2_RE | UART0_C2_RIE | (whenever_it_takes ? UART0_C2_TIE : 0u);
}

#endif
