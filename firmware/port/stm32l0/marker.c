/* The marker: a pin of its own, one store each way (RM0377 8.4: BSRR, BRR). */
#include "port.h"

#include "stm32l0.h"

#ifdef BOARD_MARKER_PIN

void stm32l0_marker_start(void) {
    RCC_IOPENR |= 1u << BOARD_MARKER_PORT;
    (void)RCC_IOPENR; /* a peripheral is there some cycles after its clock was enabled */
    GPIO_MODER(BOARD_MARKER_PORT) =
        (GPIO_MODER(BOARD_MARKER_PORT) & ~GPIO_MODER_MASK(BOARD_MARKER_PIN)) |
        GPIO_MODER_OUTPUT(BOARD_MARKER_PIN);
}

void port_marker_high(void) {
    GPIO_BSRR(BOARD_MARKER_PORT) = 1u << BOARD_MARKER_PIN;
}

void port_marker_low(void) {
    GPIO_BRR(BOARD_MARKER_PORT) = 1u << BOARD_MARKER_PIN;
}

#else

void stm32l0_marker_start(void) {
}

void port_marker_high(void) {
}

void port_marker_low(void) {
}

#endif
