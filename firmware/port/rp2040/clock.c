/*
 * The clock tree: the crystal of 12 MHz, or the PLL on it: * 125 = 1500 MHz, / 6 / 2 = 125 MHz. A
 * debugger's reset reaches the core alone, not the clocks: so the core goes back to the ring
 * oscillator first, whatever ran before.
 */
#include "board.h"
#include "ready.h"
#include "rp2040.h"

#define PLL_FEEDBACK 125u
#define PLL_FIRST    6u
#define PLL_SECOND   2u
#define PLL_VCO_HZ   (RP2040_CRYSTAL_HZ * PLL_FEEDBACK)
#define PLL_HZ       (PLL_VCO_HZ / PLL_FIRST / PLL_SECOND)
_Static_assert(PLL_VCO_HZ >= 750000000u && PLL_VCO_HZ <= 1600000000u, "what the VCO makes");
_Static_assert(PLL_FEEDBACK >= 16u && PLL_FEEDBACK <= 320u, "what divides its feedback");

#if BOARD_CLOCK_HZ == 12000000u
#define USES_PLL false
#elif BOARD_CLOCK_HZ == 125000000u
#define USES_PLL true
_Static_assert(PLL_HZ == BOARD_CLOCK_HZ, "the clock that the board's file says");
#else
#error "the board's clock_hz is neither 12000000 nor 125000000"
#endif

/* A millisecond, in 256 periods. */
#define CRYSTAL_STARTUP ((RP2040_CRYSTAL_HZ / 1000u + 128u) / 256u)

bool rp2040_renew(uint32_t blocks) {
    RP2040_SET(RESETS_RESET) = blocks;
    RP2040_CLEAR(RESETS_RESET) = blocks;
    return becomes(&RESETS_RESET_DONE, blocks, blocks);
}

/* The core runs from the reference clock, whatever that comes from. SRC alone changes without a
 * glitch. */
static bool leave_pll(void) {
    RP2040_CLEAR(CLK_SYS_CTRL) = CLK_SYS_CTRL_SRC_AUX;
    if (!becomes(&CLK_SYS_SELECTED, 1u << CLK_SYS_CTRL_SRC_REF, 1u << CLK_SYS_CTRL_SRC_REF)) {
        return false;
    }
    RP2040_REGISTER(CLK_SYS_CTRL) = CLK_SYS_CTRL_SRC_REF; /* AUXSRC 0: the PLL */
    CLK_SYS_DIV = CLK_DIV_1;
    return true;
}

static bool take_crystal(void) {
    CLK_REF_DIV = CLK_DIV_1;
    CLK_REF_CTRL = CLK_REF_CTRL_SRC_XOSC;
    return becomes(&CLK_REF_SELECTED, 1u << CLK_REF_CTRL_SRC_XOSC, 1u << CLK_REF_CTRL_SRC_XOSC);
}

static bool take_pll(void) {
    RP2040_REGISTER(CLK_SYS_CTRL) = CLK_SYS_CTRL_SRC_AUX;
    return becomes(&CLK_SYS_SELECTED, 1u << CLK_SYS_CTRL_SRC_AUX, 1u << CLK_SYS_CTRL_SRC_AUX);
}

static bool crystal(void) {
    if ((XOSC_STATUS & XOSC_STATUS_STABLE) == 0) {
        XOSC_STARTUP = CRYSTAL_STARTUP;
        XOSC_CTRL = XOSC_CTRL_ENABLE | XOSC_CTRL_RANGE_1_15MHZ;
    }
    return becomes(&XOSC_STATUS, XOSC_STATUS_STABLE, XOSC_STATUS_STABLE);
}

static bool pll(void) {
    if (!rp2040_renew(RESETS_RESET_PLL_SYS)) {
        return false;
    }
    PLL_SYS_CS = 1; /* the crystal, undivided */
    PLL_SYS_FBDIV = PLL_FEEDBACK;
    RP2040_CLEAR(PLL_SYS_PWR) = PLL_SYS_PWR_PD | PLL_SYS_PWR_VCO;
    if (!becomes(&PLL_SYS_CS, PLL_SYS_CS_LOCK, PLL_SYS_CS_LOCK)) {
        return false;
    }
    PLL_SYS_PRIM = PLL_SYS_PRIM_OF(PLL_FIRST, PLL_SECOND);
    RP2040_CLEAR(PLL_SYS_PWR) = PLL_SYS_PWR_POSTDIV;
    return true;
}

uint32_t rp2040_clock_start(void) {
    CLK_PERI_CTRL = CLK_PERI_CTRL_ENABLE;
    if (!leave_pll() || !crystal() || !take_crystal()) {
        return 0; /* the ring oscillator's, which nobody knows */
    }
    if (!USES_PLL || (pll() && take_pll())) {
        return BOARD_CLOCK_HZ;
    }
    return RP2040_CRYSTAL_HZ;
}
