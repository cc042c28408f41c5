"""RCC, PWR, IWDG, DBGMCU: clocks that start in their time, voltage ranges, resets and what CSR says of them."""

from __future__ import annotations

from fractions import Fraction

import pytest

from hil.emulator.twin.core import Stop
from hil.emulator.twin.registers import NotModelledError
from tests.twin.snippets import Bench

PIN, POWER, SOFTWARE, WATCHDOG = 1 << 26, 1 << 27, 1 << 28, 1 << 29
RMVF = 1 << 23
US = Fraction(1, 1_000_000)


def range_(chip: Bench, vos: int) -> None:
    chip.set("RCC_APB1ENR", 1 << 28)
    chip.write("PWR_CR", vos << 11)
    chip.wait(100)


@pytest.mark.parametrize(
    ("register", "on", "ready", "least", "most"),
    [("CR", 1, 4, 3.7, 5), ("CSR", 1, 2, 200, 202)],
)
def test_oscillators_are_ready_after_their_time(register: str, on: int, ready: int, least: float, most: float) -> None:
    chip = Bench()
    start = chip.seconds()
    chip.set(f"RCC_{register}", on)
    while not chip.read(f"RCC_{register}") & ready:
        chip.wait(1)
    assert least <= float((chip.seconds() - start) / US) <= most
    chip.clear(f"RCC_{register}", on)
    assert not chip.read(f"RCC_{register}") & ready


def test_lse_needs_dbp() -> None:
    chip = Bench()
    chip.set("RCC_CSR", 1 << 8)
    assert not chip.read("RCC_CSR") & 1 << 8
    assert "DBP" in chip.notes["RCC_CSR"]


def test_pll_makes_32_mhz() -> None:
    chip = Bench()
    chip.hsi16()
    chip.set("RCC_CFGR", 1 << 18 | 1 << 22)
    chip.set("RCC_CR", 1 << 24)
    chip.set("FLASH_ACR", 1)
    chip.wait(16 * 116)
    chip.set("RCC_CFGR", 3)
    assert chip.clock_hz == 32_000_000
    chip.clear("RCC_CR", 1)
    assert chip.read("RCC_CR") & 1, "HSI16 feeds the PLL"


def pll(chip: Bench, bits: int) -> None:
    chip.set("RCC_CFGR", bits)
    chip.set("RCC_CR", 1)
    chip.wait(100)
    chip.set("RCC_CR", 1 << 24)


def test_pll_has_limits_by_voltage_range() -> None:
    chip = Bench()
    with pytest.raises(NotModelledError, match="64000000 Hz, above the 48000000 Hz"):
        pll(chip, 1 << 18 | 1 << 22)


@pytest.mark.parametrize(
    ("vos", "prescaler", "waits", "fits"),
    [(1, 0, 0, True), (2, 0, 0, False), (2, 0, 1, True), (2, 8, 0, True), (3, 8, 1, False), (3, 9, 0, True)],
)
def test_the_clock_must_fit_range_and_wait_states(vos: int, prescaler: int, waits: int, fits: bool) -> None:
    """HSI16 divided by 1, 2 or 4, against the table of stm32l0xx_hal_rcc.c."""
    chip = Bench()
    range_(chip, vos)
    chip.set("FLASH_ACR", waits)
    chip.set("RCC_CFGR", prescaler << 4)
    chip.set("RCC_CR", 1)
    chip.wait(100)
    if fits:
        chip.set("RCC_CFGR", 1)
        assert chip.clock_hz == 16_000_000 // {0: 1, 8: 2, 9: 4}[prescaler]
    else:
        with pytest.raises(NotModelledError, match="beyond what RM0377 allows"):
            chip.set("RCC_CFGR", 1)


def test_a_range_holds_only_when_vosf_is_clear() -> None:
    chip = Bench()
    chip.set("RCC_APB1ENR", 1 << 28)
    chip.set("RCC_CR", 1)
    chip.wait(100)
    chip.write("PWR_CR", 1 << 11)
    assert chip.read("PWR_CSR") & 1 << 4
    with pytest.raises(NotModelledError, match="voltage range 2"):
        chip.set("RCC_CFGR", 1)
    chip = Bench()
    range_(chip, 1)
    assert not chip.read("PWR_CSR") & 1 << 4
    with pytest.raises(NotModelledError, match="reserved value"):
        chip.write("PWR_CR", 0)


@pytest.mark.parametrize("bit", [4, 14])
def test_voltage_detector_and_low_power_run_are_refused(bit: int) -> None:
    chip = Bench()
    chip.set("RCC_APB1ENR", 1 << 28)
    with pytest.raises(NotModelledError, match=f"bit {bit} of PWR_CR"):
        chip.set("PWR_CR", 1 << bit)


def test_a_peripheral_that_is_held_in_reset_is_dead() -> None:
    chip = Bench()
    chip.set("RCC_APB1ENR", 1)
    chip.write("TIM2_ARR", 7)
    chip.set("RCC_APB1RSTR", 1)
    chip.write("TIM2_ARR", 9)
    chip.clear("RCC_APB1RSTR", 1)
    assert chip.read("TIM2_ARR") == 0xFFFF


# Resets


def flags(chip: Bench) -> int:
    return chip.rcc.value["CSR"] & 0xFF000000


def test_flags_tell_the_reset_and_stay_until_rmvf() -> None:
    chip = Bench()
    assert flags(chip) == POWER | PIN
    chip.set("RCC_CSR", RMVF)
    assert flags(chip) == 0
    chip.reset()
    assert flags(chip) == PIN


def test_software_reset_by_the_core() -> None:
    chip = Bench("""
    main:
        ldr r0, =0x40021050
        ldr r1, [r0]
        ldr r2, =RESULT
        str r1, [r2]
        put 0x40021050, 0x800000   // RMVF
        ldr r2, =1000
    1:  subs r2, #1
        bne 1b
        put 0xE000ED0C, 0x05FA0004
        b .
    """)
    chip.run(100)
    assert chip.word() == POWER | PIN
    chip.run(5000)
    assert chip.word() == SOFTWARE | PIN


def test_an_access_to_nothing_is_a_hard_fault() -> None:
    chip = Bench("main: put 0x40000400, 1\n b .\n fault: put RESULT, 0xFA\n b .")
    chip.run(1000)
    assert chip.word() == 0xFA
    assert not chip.trouble


def test_an_access_to_what_is_not_modelled_ends_the_run() -> None:
    chip = Bench("main: put 0x40012400, 1\n b .")
    chip.run(1000)
    assert "ADC1" in chip.trouble


# IWDG


def watchdog(chip: Bench, register: str, value: int) -> None:
    chip.write("IWDG_KR", 0x5555)
    chip.write(f"IWDG_{register}", value)
    assert chip.read("IWDG_SR")
    chip.wait(400)
    assert not chip.read("IWDG_SR")


def test_watchdog_resets_unless_reloaded() -> None:
    chip = Bench()
    watchdog(chip, "RLR", 36)
    watchdog(chip, "PR", 1)
    chip.set("RCC_CSR", RMVF)
    chip.write("IWDG_KR", 0xCCCC)
    assert chip.rcc.csr(1), "it has started LSI"
    for _ in range(5):
        chip.wait(2_097_152 * 7 // 1000)  # of 37 * 8 / 37 kHz
        chip.write("IWDG_KR", 0xAAAA)
        assert flags(chip) == 0
    chip.wait(2_097_152 * 81 // 10_000)
    assert flags(chip) == WATCHDOG | PIN
    chip.wait(2_097_152)
    assert chip.rcc.csr(1) == 0, "a reset stops it"


def test_watchdog_window() -> None:
    chip = Bench()
    watchdog(chip, "RLR", 99)
    watchdog(chip, "WINR", 50)
    chip.set("RCC_CSR", RMVF)
    chip.write("IWDG_KR", 0xCCCC)
    chip.wait(2_097_152 * 60 * 4 // 37_000)
    chip.write("IWDG_KR", 0xAAAA)
    chip.wait(10)
    assert flags(chip) == 0
    chip.wait(2_097_152 * 20 * 4 // 37_000)
    chip.write("IWDG_KR", 0xAAAA)
    chip.wait(10)
    assert flags(chip) == WATCHDOG | PIN


def test_watchdog_registers_are_locked_and_slow() -> None:
    chip = Bench()
    chip.write("IWDG_PR", 3)
    assert chip.read("IWDG_PR") == 0
    assert "locked" in chip.notes["IWDG_PR"]
    chip.write("IWDG_KR", 0x5555)
    chip.write("IWDG_PR", 3)
    with pytest.raises(NotModelledError, match="last change is not over"):
        chip.write("IWDG_PR", 4)


def test_dbgmcu_needs_its_clock_and_outlives_resets() -> None:
    chip = Bench()
    chip.write("DBGMCU_CR", 7)
    assert chip.dbgmcu.value["CR"] == 0
    chip.set("RCC_APB2ENR", 1 << 22)
    chip.write("DBGMCU_CR", 7)
    chip.reset()
    assert chip.dbgmcu.value["CR"] == 7


def test_a_sleeping_core_with_nothing_due_waits_for_the_host() -> None:
    assert Bench().run(10**9) is Stop.ASLEEP
