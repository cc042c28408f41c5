#include "usart2.h"

#include "board.h"
#include "core.h"
#include "gpio.h"

static void connect(uint32_t pin) {
    GPIO_AFR(0, pin) =
        (GPIO_AFR(0, pin) & ~GPIO_AFR_MASK(pin)) | GPIO_AFR_FUNCTION(STM32_USART2_AF, pin);
    GPIO_MODER(0) = (GPIO_MODER(0) & ~GPIO_MODER_MASK(pin)) | GPIO_MODER_AF(pin);
}

void usart2_start(uint32_t baud_register) {
    const uint32_t rx = BOARD_UART_RX_PIN;
    GPIO_PUPDR(0) = (GPIO_PUPDR(0) & ~GPIO_PUPDR_MASK(rx)) | GPIO_PUPDR_UP(rx);
    connect(rx);
    USART2_BRR = baud_register;
    USART2_CR1 = USART2_CR1_UE;
    USART2_CR1 = USART2_CR1_UE | USART2_CR1_RE | USART2_CR1_TE | USART2_CR1_RXNEIE;
    /* Only now, as the transmitter holds its line at the idle level. */
    connect(BOARD_UART_TX_PIN);
    NVIC_ISER = 1u << USART2_IRQ;
}
