/*
 * The registers used here, named and placed as in RM0377 (STM32L0x1 reference manual). What each
 * was held against, and what could not be, is in README.md.
 */
#ifndef STM32L0_H
#define STM32L0_H

#include <stdbool.h>
#include <stdint.h>

#define STM32L0_REGISTER(address) (*(volatile uint32_t *)(address))

/* RM0377 3.7, FLASH. */
#define FLASH_ACR         STM32L0_REGISTER(0x40022000u)
#define FLASH_ACR_LATENCY (1u << 0) /* one wait state */
#define FLASH_ACR_PRFTEN  (1u << 1) /* prefetch */

#define FLASH_PECR        STM32L0_REGISTER(0x40022004u)
#define FLASH_PECR_PELOCK (1u << 0)
#define FLASH_PEKEYR      STM32L0_REGISTER(0x4002200Cu)
#define FLASH_PEKEY1      0x89ABCDEFu
#define FLASH_PEKEY2      0x02030405u
#define FLASH_SR          STM32L0_REGISTER(0x40022018u)
#define FLASH_SR_BSY      (1u << 0)

/* RM0377 6.4, PWR. */
#define PWR_CR         STM32L0_REGISTER(0x40007000u)
#define PWR_CR_LPSDSR  (1u << 0) /* the low-power regulator in Stop mode */
#define PWR_CR_PDDS    (1u << 1) /* deep sleep is Standby, not Stop */
#define PWR_CR_CWUF    (1u << 2)
#define PWR_CR_ULP     (1u << 9)  /* VREFINT off in Stop mode */
#define PWR_CR_FWU     (1u << 10) /* wake up without waiting for it */
#define PWR_CR_VOS     (3u << 11)
#define PWR_CR_VOS_1V8 (1u << 11) /* range 1; reset: 2, range 2 */
#define PWR_CSR        STM32L0_REGISTER(0x40007004u)
#define PWR_CSR_VOSF   (1u << 4) /* the regulator is still on its way */

/* RM0377 7.3, RCC. */
#define RCC_CR                  STM32L0_REGISTER(0x40021000u)
#define RCC_CR_HSI16ON          (1u << 0)
#define RCC_CR_HSI16RDYF        (1u << 2)
#define RCC_CR_MSION            (1u << 8)
#define RCC_CR_PLLON            (1u << 24)
#define RCC_CR_PLLRDY           (1u << 25)
#define RCC_CFGR                STM32L0_REGISTER(0x4002100Cu)
#define RCC_CFGR_SW             (3u << 0) /* 0 MSI, 1 HSI16, 2 HSE, 3 PLL */
#define RCC_CFGR_SW_HSI16       (1u << 0)
#define RCC_CFGR_SW_PLL         (3u << 0)
#define RCC_CFGR_SWS_SHIFT      2u         /* what SW has come to */
#define RCC_CFGR_STOPWUCK       (1u << 15) /* HSI16 after Stop mode, not MSI */
#define RCC_CFGR_PLLMUL4        (1u << 18) /* PLLSRC 0: from HSI16 */
#define RCC_CFGR_PLLDIV2        (1u << 22)
#define RCC_IOPENR              STM32L0_REGISTER(0x4002102Cu)
#define RCC_IOPENR_IOP(port)    (1u << (port))
#define RCC_APB2RSTR            STM32L0_REGISTER(0x40021024u)
#define RCC_APB2RSTR_SPI1RST    (1u << 12)
#define RCC_AHBENR              STM32L0_REGISTER(0x40021030u)
#define RCC_AHBENR_DMAEN        (1u << 0)
#define RCC_APB2ENR             STM32L0_REGISTER(0x40021034u)
#define RCC_APB2ENR_SPI1EN      (1u << 12)
#define RCC_APB1ENR             STM32L0_REGISTER(0x40021038u)
#define RCC_APB1ENR_USART2EN    (1u << 17)
#define RCC_APB1ENR_PWREN       (1u << 28)
#define RCC_APB1ENR_LPTIM1EN    (1u << 31)
#define RCC_CCIPR               STM32L0_REGISTER(0x4002104Cu)
#define RCC_CCIPR_LPTIM1SEL     (3u << 18)
#define RCC_CCIPR_LPTIM1SEL_LSI (1u << 18)
#define RCC_CSR                 STM32L0_REGISTER(0x40021050u)
#define RCC_CSR_LSION           (1u << 0)
#define RCC_CSR_LSIRDY          (1u << 1)

/* RM0377, chapter SPI: a slave with 8 bits, most significant first, selected by its NSS pin, unless
 * something else is written. */
#define SPI1_CR1     STM32L0_REGISTER(0x40013000u) /* bits 0, 1: the mode, as modes are numbered */
#define SPI1_CR1_SPE (1u << 6)
#define SPI1_CR2     STM32L0_REGISTER(0x40013004u)
#define SPI1_CR2_RXDMAEN (1u << 0)
#define SPI1_CR2_TXDMAEN (1u << 1)
#define SPI1_DR_ADDRESS  0x4001300Cu

/* RM0377, chapter DMA. SPI1 receives with channel 2 and sends with channel 3, as request 1. */
#define DMA_REGISTER(channel, offset)                                                              \
    STM32L0_REGISTER(0x40020008u + 20u * ((channel) - 1u) + (offset))
#define DMA_CCR(channel)           DMA_REGISTER(channel, 0x0u)
#define DMA_CCR_EN                 (1u << 0)
#define DMA_CCR_DIR                (1u << 4) /* from memory */
#define DMA_CCR_MINC               (1u << 7)
#define DMA_CNDTR(channel)         DMA_REGISTER(channel, 0x4u) /* what is left */
#define DMA_CPAR(channel)          DMA_REGISTER(channel, 0x8u)
#define DMA_CMAR(channel)          DMA_REGISTER(channel, 0xCu)
#define DMA_CSELR                  STM32L0_REGISTER(0x400200A8u)
#define DMA_CSELR_REQUEST(channel) (1u << (4u * ((channel) - 1u)))

/* RM0377 12.5, EXTI: line n is pin n, of port A unless SYSCFG says otherwise; 29 is LPTIM1. */
#define EXTI_IMR    STM32L0_REGISTER(0x40010400u)
#define EXTI_RTSR   STM32L0_REGISTER(0x40010408u)
#define EXTI_FTSR   STM32L0_REGISTER(0x4001040Cu)
#define EXTI_PR     STM32L0_REGISTER(0x40010414u)
#define EXTI_LPTIM1 (1u << 29)

/* RM0377, chapter LPTIM. */
#define LPTIM1_ISR           STM32L0_REGISTER(0x40007C00u)
#define LPTIM1_ICR           STM32L0_REGISTER(0x40007C04u)
#define LPTIM1_IER           STM32L0_REGISTER(0x40007C08u)
#define LPTIM1_ARRM          (1u << 1) /* in these three: ARR was reached */
#define LPTIM1_ARROK         (1u << 4) /* ARR has been taken over */
#define LPTIM1_CFGR          STM32L0_REGISTER(0x40007C0Cu)
#define LPTIM1_CFGR_PRESC_32 (5u << 9)
#define LPTIM1_CR            STM32L0_REGISTER(0x40007C10u)
#define LPTIM1_CR_ENABLE     (1u << 0)
#define LPTIM1_CR_SNGSTRT    (1u << 1)
#define LPTIM1_CR_CNTSTRT    (1u << 2)
#define LPTIM1_ARR           STM32L0_REGISTER(0x40007C18u)

/* RM0377 11.3: position in the vector table; USART2's is in usart2.h. */
#define STM32L0_EXTI4_15_IRQ 7u
#define STM32L0_LPTIM1_IRQ   13u

/* MSI, which the core runs from after reset, in Hz: 64 times 32768 (MSIRANGE 5). */
#define STM32L0_MSI_HZ 2097152u

/* From MSI to BOARD_CLOCK_HZ. False if something never became ready: the core then still runs from
 * MSI. */
bool stm32l0_clock_start(void);

/* The same after Stop mode, which has left it the core on HSI16. */
bool stm32l0_clock_resume(void);

/* With interrupts masked and nothing to read: whether Stop mode was asked for and can be entered
 * now; and enter it, until something ends it. Not where the timer that should does not start. */
bool stm32l0_stops(void);
void stm32l0_stop(void);

/* ---- the timer that goes on in Stop mode: tick.c ---- */

uint32_t stm32l0_timer_longest_ms(void);

/* `how`: LPTIM1_CR_SNGSTRT or LPTIM1_CR_CNTSTRT; 0 to see whether it can. False, and it is off, if
 * LSI or LPTIM1 never became ready. */
bool stm32l0_timer_start(uint32_t milliseconds, uint32_t how);
void stm32l0_timer_end(void);

/* With interrupts masked: whether it ticks; a tick has not been taken; the core may stop until the
 * next one; and the link has ended a stop. */
bool stm32l0_ticking(void);
bool stm32l0_tick_waits(void);
bool stm32l0_tick_stops(void);
void stm32l0_tick_link_woke(void);

/* ---- the link: uart.c, spi.c or nolink.c, which have port_read(), port_write() and port_memory()
 * as well */

/* Pins and peripheral; whether the core runs from MSI, as its clock did not start. */
void stm32l0_link_start(bool on_msi);

/* With interrupts masked: before the core sleeps; whether there is nothing to read. */
bool stm32l0_link_idle(void);

/* With interrupts masked: whether nothing is on its way, so that the clocks may stop. */
bool stm32l0_link_rests(void);

/* With interrupts masked: the clocks stop next, and run again. */
void stm32l0_link_stops(void);
void stm32l0_link_resumes(void);

/* The pin of port A that falls when the host begins to speak. */
#ifdef BOARD_LINK_SPI
#define STM32L0_LINK_PIN BOARD_SPI_NSS_PIN
#elif !defined(BOARD_LINK_NONE)
#define STM32L0_LINK_PIN BOARD_UART_RX_PIN
#endif

/* Vectors 16 + STM32L0_LPTIM1_IRQ and STM32L0_EXTI4_15_IRQ. */
void stm32l0_lptim1_handler(void);
void stm32l0_spi_handler(void);

#endif
