/* The registers that every Cortex-M0 and M0+ has, as in the ARMv6-M manual (DDI 0419). */
#ifndef CORE_H
#define CORE_H

#include <stdint.h>

#define CORE_REGISTER(address) (*(volatile uint32_t *)(address))

/* B3.3: SysTick, a down counter of 24 bits, where the chip has it. */
#define SYST_CSR           CORE_REGISTER(0xE000E010u)
#define SYST_CSR_ENABLE    (1u << 0)
#define SYST_CSR_CLKSOURCE (1u << 2) /* the core's clock; 0: another one of the chip's */
#define SYST_RVR           CORE_REGISTER(0xE000E014u)
#define SYST_CVR           CORE_REGISTER(0xE000E018u)
#define SYST_BITS          24u
#define SYST_MAX           ((1u << SYST_BITS) - 1u)

/* B3.2.7: system control. */
#define SCR           CORE_REGISTER(0xE000ED10u)
#define SCR_SLEEPDEEP (1u << 2)

/* B3.4: interrupts, a bit each. */
#define NVIC_ISER CORE_REGISTER(0xE000E100u) /* enable */
#define NVIC_ICER CORE_REGISTER(0xE000E180u) /* disable */
#define NVIC_ISPR CORE_REGISTER(0xE000E200u) /* set pending */
#define NVIC_ICPR CORE_REGISTER(0xE000E280u) /* clear pending */

#endif
