/* STM32F0: what starts; the link is USART2 (stm32/usart2.h, uart/uart_link.h). */
#include "port.h"

#include "board.h"
#include "marker.h"
#include "protocol.h"
#include "stm32_family.h"
#include "stm32f0.h"
#include "systick.h"
#include "usart2.h"

_Static_assert(USART2_BAUD_FITS(BOARD_CLOCK_HZ), "the clock gives no such baud rate");

static uint32_t defect;

void port_init(void) {
    /* With a clock that never becomes ready the core stays on HSI, so that the host hears of it. */
    const bool on_time = stm32f0_clock_start();
    defect = on_time ? PROTOCOL_DEFECT_NONE : PROTOCOL_DEFECT_CLOCK;
    stm32_gpio_clock(0);
    RCC_APB1ENR |= RCC_APB1ENR_USART2EN;
    (void)RCC_APB1ENR; /* a peripheral is there some cycles after its clock was enabled */
    usart2_start(USART2_BRR_OF(on_time ? BOARD_CLOCK_HZ : STM32F0_HSI_HZ));
    marker_start();
    systick_start();
}

uint32_t port_defect(void) {
    return defect;
}
