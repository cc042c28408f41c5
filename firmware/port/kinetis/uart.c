/* UART0 for the link over a UART (uart/uart_link.h): its pins, its clock, its baud rate. */
#include "baud.h"
#include "board.h"
#include "core.h"
#include "kinetis.h"

#define SAMPLES 8u /* a bit */
_Static_assert(BAUD_FITS(BOARD_CLOCK_HZ, SAMPLES, 1u, 0x1FFFu),
               "the clock gives no such baud rate");

void kinetis_uart_start(bool on_fll) {
    const uint32_t divider =
        on_fll ? BAUD_DIVIDER(KINETIS_FLL_HZ, SAMPLES) : BAUD_DIVIDER(BOARD_CLOCK_HZ, SAMPLES);
    SIM_SOPT2 = (SIM_SOPT2 & ~(SIM_SOPT2_UART0SRC | SIM_SOPT2_PLLFLLSEL)) | SIM_SOPT2_UART0SRC_1 |
                (on_fll ? 0 : SIM_SOPT2_PLLFLLSEL);
    SIM_SCGC4 |= SIM_SCGC4_UART0;
    SIM_SCGC5 |= SIM_SCGC5_PORT(BOARD_UART_TX_PORT) | SIM_SCGC5_PORT(BOARD_UART_RX_PORT);
    UART0_C2 = 0; /* the others change only while it is off */
    UART0_BDH = (uint8_t)(divider >> 8);
    UART0_BDL = (uint8_t)divider;
    UART0_C4 = SAMPLES - 1u;
    UART0_C3 = UART0_C3_ORIE;
    UART0_C2 = UART0_C2_TE | UART0_C2_RE | UART0_C2_RIE;
    PORT_PCR(BOARD_UART_RX_PORT, BOARD_UART_RX_PIN) =
        PORT_PCR_MUX(BOARD_UART_RX_MUX) | PORT_PCR_PULL_UP;
    /* Only now, as the transmitter holds its line at the idle level. */
    PORT_PCR(BOARD_UART_TX_PORT, BOARD_UART_TX_PIN) = PORT_PCR_MUX(BOARD_UART_TX_MUX);
    NVIC_ISER = 1u << KINETIS_UART0_IRQ;
}
