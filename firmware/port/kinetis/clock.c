/*
 * The clock tree: a crystal of 8 MHz / 2 * 24 = 96 MHz from the PLL, half of it for the core and
 * UART0, a quarter for bus and flash, by the modes that the MCG must go through (chapter MCG: FEI,
 * FBE, PBE, PEE).
 */
#include "board.h"
#include "kinetis.h"
#include "ready.h"

#define CRYSTAL_HZ 8000000u
#define PLL_HZ     (CRYSTAL_HZ / 2u * 24u)
#define CORE_HZ    (PLL_HZ / 2u)
#define BUS_HZ     (CORE_HZ / 2u)
_Static_assert(CRYSTAL_HZ / 2u >= 2000000u && CRYSTAL_HZ / 2u <= 4000000u, "what the PLL takes");
_Static_assert(PLL_HZ >= 48000000u && PLL_HZ <= 100000000u, "what the PLL makes");
_Static_assert(CRYSTAL_HZ / 256u >= 31250u && CRYSTAL_HZ / 256u <= 39062u, "what the FLL takes");
_Static_assert(CORE_HZ <= 48000000u && BUS_HZ <= 24000000u, "what core, bus and flash take");

#if BOARD_CLOCK_HZ != 48000000u
#error "the board's clock_hz is not 48000000"
#endif
_Static_assert(CORE_HZ == BOARD_CLOCK_HZ, "the clock that the board's file says");

static bool to_crystal(void) {
    MCG_C2 = MCG_C2_RANGE0 | MCG_C2_EREFS0;
    MCG_C1 = MCG_C1_CLKS | MCG_C1_FRDIV;
    return becomes_8(&MCG_S, MCG_S_OSCINIT0, MCG_S_OSCINIT0) &&
           becomes_8(&MCG_S, MCG_S_IREFST, 0) && becomes_8(&MCG_S, MCG_S_CLKST, MCG_S_CLKST_XTAL);
}

static bool to_pll(void) {
    MCG_C5 = MCG_C5_PRDIV0;
    MCG_C6 = MCG_C6_PLLS;
    if (!becomes_8(&MCG_S, MCG_S_PLLST | MCG_S_LOCK0, MCG_S_PLLST | MCG_S_LOCK0)) {
        return false;
    }
    MCG_C1 = MCG_C1_FRDIV;
    return becomes_8(&MCG_S, MCG_S_CLKST, MCG_S_CLKST_PLL);
}

/* As after reset. */
static void back_to_fll(void) {
    MCG_C1 = MCG_C1_CLKS | MCG_C1_FRDIV;
    MCG_C6 = 0;
    (void)becomes_8(&MCG_S, MCG_S_PLLST, 0);
    MCG_C2 = MCG_C2_LOCRE0;
    MCG_C1 = MCG_C1_IREFS;
    (void)becomes_8(&MCG_S, MCG_S_IREFST | MCG_S_CLKST, MCG_S_IREFST | MCG_S_CLKST_FLL);
}

bool kinetis_clock_start(void) {
    SIM_CLKDIV1 = SIM_CLKDIV1_OUTDIV1 | SIM_CLKDIV1_OUTDIV4; /* before it gets faster */
    if (to_crystal() && to_pll()) {
        return true;
    }
    back_to_fll();
    return false;
}
