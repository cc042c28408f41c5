#include "marker.h"

#include "gpio.h"
#include "port.h"

#ifdef BOARD_MARKER_PIN

void marker_start(void) {
    stm32_gpio_clock(BOARD_MARKER_PORT);
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

void marker_start(void) {
}

void port_marker_high(void) {
}

void port_marker_low(void) {
}

#endif
