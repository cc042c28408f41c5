/* The link over USART2 (stm32/usart2.h, uart/uart_link.h), also from MSI, and around Stop mode. */
#include "board.h"
#include "port.h"
#include "ready.h"
#include "stm32_family.h"
#include "stm32l0.h"
#include "uart_link.h"
#include "usart2.h"

_Static_assert(USART2_BAUD_FITS(BOARD_CLOCK_HZ), "the clock gives no such baud rate");

void stm32l0_link_start(bool on_msi) {
    stm32_gpio_clock(0);
    RCC_APB1ENR |= RCC_APB1ENR_USART2EN;
    (void)RCC_APB1ENR; /* a peripheral is there some cycles after its clock was enabled */
    usart2_start(USART2_BRR_OF(on_msi ? STM32L0_MSI_HZ : BOARD_CLOCK_HZ));
}

bool stm32l0_link_idle(void) {
    return uart_link_idle();
}

bool stm32l0_link_rests(void) {
    if ((USART2_CR1 & USART2_CR1_TXEIE) != 0) {
        return false;
    }
    /* A byte that is leaving would break. */
    return becomes(&USART2_ISR, USART2_ISR_TC, USART2_ISR_TC) &&
           (USART2_ISR & USART2_ISR_BUSY) == 0;
}

void stm32l0_link_stops(void) {
}

void stm32l0_link_resumes(void) {
}
