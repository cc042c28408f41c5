/*
 * UART0 for the link over a UART; uart_link.c says what each function is for. The PL011 interrupts
 * when a byte has left, and not because there is room: so asking sets the interrupt pending, and
 * the handler finds the room by itself.
 */
#ifndef UART_PORT_H
#define UART_PORT_H

#include "core.h"
#include "rp2040.h"

static inline uint32_t uart_port_status(void) {
    return UART0_FR;
}

/* An overrun does not stop the receiver. */
static inline uint32_t uart_port_receive(uint32_t status, uint8_t *byte) {
    if ((status & UART0_FR_RXFE) != 0) {
        return 0;
    }
    *byte = (uint8_t)UART0_DR;
    return 1;
}

static inline bool uart_port_takes(uint32_t status) {
    return (status & UART0_FR_TXFF) == 0;
}

static inline void uart_port_send(uint8_t byte) {
    UART0_DR = byte;
}

static inline void uart_port_ask(bool whenever_it_takes) {
    UART0_IMSC = UART0_IMSC_RXIM | (whenever_it_takes ? UART0_IMSC_TXIM : 0u);
    if (whenever_it_takes) {
        NVIC_ISPR = 1u << RP2040_UART0_IRQ;
    }
}

#endif
