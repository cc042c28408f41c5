"""LPTIM1 and the wake-up timer of the RTC: they count their own clocks, whatever the core's does."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.emulator.twin.registers import NotModelledError
from tests.twin.snippets import Bench

LSI_MS = 2_097_152 // 1000


# LPTIM1


def lptim(source: int = 1, presc: int = 0, ier: int = 0) -> Bench:
    """LPTIM1 on LSI or the bus, enabled."""
    chip = Bench()
    chip.set("RCC_APB1ENR", 1 << 31)
    chip.set("RCC_CSR", 1)
    chip.wait(1000)
    chip.write("RCC_CCIPR", source << 18)
    chip.write("LPTIM1_CFGR", presc << 9)
    chip.write("LPTIM1_IER", ier)
    chip.write("LPTIM1_CR", 1)
    return chip


def load(chip: Bench, register: str, flag: int, value: int) -> None:
    chip.write(f"LPTIM1_{register}", value)
    assert not chip.read("LPTIM1_ISR") & flag
    chip.wait(200)
    assert chip.read("LPTIM1_ISR") & flag
    chip.write("LPTIM1_ICR", flag)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 3), st.integers(2, 200), st.lists(st.integers(1, 100_000), min_size=1, max_size=5), st.booleans())
def test_lptim_counts_lsi(presc: int, arr: int, waits: list[int], faster: bool) -> None:
    """Also across a change of the core's clock, which has nothing to do with it."""
    with lptim(presc=presc) as chip:
        load(chip, "ARR", 16, arr)
        start = chip.seconds()
        chip.write("LPTIM1_CR", 5)
        for wait in waits:
            chip.wait(wait)
            if faster:
                chip.write("RCC_ICSCR", 6 << 13)
            passed = (chip.seconds() - start) * 37_000 / (1 << presc)
            count = chip.read("LPTIM1_CNT")
            assert (passed - count + 1) % (arr + 1) <= 2
            assert bool(chip.read("LPTIM1_ISR") & 2) == (passed >= arr) or abs(passed - arr) <= 1


def test_lptim_counts_the_bus_to_the_cycle() -> None:
    chip = lptim(source=0)
    load(chip, "ARR", 16, 999)
    start = chip.now()
    chip.write("LPTIM1_CR", 5)
    chip.wait(12_345)
    assert chip.read("LPTIM1_CNT") == (chip.now() - start) % 1000


def test_lptim_once_stops_and_compares() -> None:
    chip = lptim()
    load(chip, "ARR", 16, 37)
    load(chip, "CMP", 8, 10)
    chip.write("LPTIM1_CR", 3)
    chip.wait(LSI_MS // 2)
    assert chip.read("LPTIM1_ISR") & 3 == 1
    chip.wait(LSI_MS)
    assert chip.read("LPTIM1_ISR") & 3 == 3
    assert chip.read("LPTIM1_CNT") == 0
    chip.write("LPTIM1_ICR", 3)
    chip.wait(10 * LSI_MS)
    assert chip.read("LPTIM1_ISR") & 3 == 0


def test_lptim_refuses_what_its_manual_forbids() -> None:
    with pytest.raises(NotModelledError, match="LPTIM1_IER while LPTIM1 is enabled"):
        lptim().write("LPTIM1_IER", 2)
    chip = lptim()
    chip.write("LPTIM1_ARR", 10)
    with pytest.raises(NotModelledError, match="before the last write of it is done"):
        chip.write("LPTIM1_ARR", 11)
    chip = lptim()
    chip.write("LPTIM1_CR", 0)
    with pytest.raises(NotModelledError, match="LPTIM1_ARR while LPTIM1 is disabled"):
        chip.write("LPTIM1_ARR", 10)
    with pytest.raises(NotModelledError, match="LSI off while a timer counts it"):
        lptim().write("RCC_CSR", 0)
    with pytest.raises(NotModelledError, match="clock that it is to count is not ready"):
        lptim(source=3)


# RTC


def rtc() -> Bench:
    """RTC on LSI, unlocked."""
    chip = Bench()
    chip.set("RCC_APB1ENR", 1 << 28)
    chip.set("PWR_CR", 1 << 8)
    chip.set("RCC_CSR", 1)
    chip.wait(1000)
    chip.set("RCC_CSR", 2 << 16 | 1 << 18)
    chip.write("RTC_WPR", 0xCA)
    chip.write("RTC_WPR", 0x53)
    return chip


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 3), st.integers(0, 500), st.booleans())
def test_wakeup_timer_period(select: int, reload: int, interrupt: bool) -> None:
    with rtc() as chip:
        chip.write("RTC_WUTR", reload)
        chip.write("RTC_CR", select)
        chip.write("RTC_CR", select | 1 << 10 | interrupt << 14)
        period = (reload + 1) * (16 >> select) * 2_097_152 // 37_000
        for _ in range(3):
            chip.write("RTC_ISR", 0)
            chip.wait(period - 60)
            assert not chip.read("RTC_ISR") & 1 << 10
            chip.wait(61)
            assert chip.read("RTC_ISR") & 1 << 10


def test_rtc_is_locked() -> None:
    chip = rtc()
    chip.write("RTC_WPR", 0xFF)
    chip.write("RTC_CR", 1 << 10)
    assert chip.read("RTC_CR") == 0
    assert "keys" in chip.notes.pop("RTC WPR")
    chip.write("RTC_ISR", chip.read("RTC_ISR") | 1 << 7)
    chip.wait(1000)
    assert not chip.read("RTC_ISR") & 3 << 6
    assert "keys" in chip.notes["RTC WPR"]
    chip.clear("PWR_CR", 1 << 8)
    chip.write("RTC_BKP0R", 1)
    assert chip.read("RTC_BKP0R") == 0
    assert "DBP" in chip.notes["RTC DBP"]


def test_the_wake_up_flag_is_cleared_without_the_keys() -> None:
    """As handlers do: RTC->ISR &= ~WUTF (RM0377, 22.4.7), by words and by bytes."""
    with rtc() as chip:
        chip.write("RTC_WUTR", 36)
        chip.write("RTC_CR", 1 << 10 | 1 << 14)
        chip.write("RTC_WPR", 0xFF)
        chip.set("EXTI_IMR", 1 << 20)
        chip.set("EXTI_RTSR", 1 << 20)
        for _ in range(3):
            chip.wait(17 * LSI_MS)
            assert chip.read("RTC_ISR") & 1 << 10
            assert chip.read("EXTI_PR") & 1 << 20
            chip.clear("RTC_ISR", 1 << 10)
            chip.write("EXTI_PR", 1 << 20)
            assert not chip.read("RTC_ISR") & 1 << 10
        chip.wait(17 * LSI_MS)
        chip.rtc.write(0x0D, 1, 0)
        assert not chip.read("RTC_ISR") & 1 << 10
        assert "RTC WPR" not in chip.notes


def test_backup_registers_outlive_a_reset_but_not_rtcrst() -> None:
    chip = rtc()
    chip.write("RTC_BKP4R", 0x12345678)
    chip.reset()
    assert chip.rtc.value["BKP4R"] == 0x12345678
    chip.set("RCC_APB1ENR", 1 << 28)
    chip.set("PWR_CR", 1 << 8)
    chip.set("RCC_CSR", 1 << 19)
    assert chip.rtc.value["BKP4R"] == 0


def test_calendar_and_alarms_are_refused() -> None:
    for register in ("TR", "DR", "SSR", "ALRMAR"):
        with pytest.raises(NotModelledError, match=f"RTC_{register}"):
            rtc().read(f"RTC_{register}")
    chip = rtc()
    chip.write("RTC_CR", 1 << 10)
    with pytest.raises(NotModelledError, match="WUTWF"):
        chip.write("RTC_WUTR", 5)


def test_prescaler_makes_seconds_of_lse() -> None:
    chip = Bench()
    chip.set("RCC_APB1ENR", 1 << 28)
    chip.set("PWR_CR", 1 << 8)
    chip.set("RCC_CSR", 1 << 8)
    chip.set("RCC_CSR", 1 << 16 | 1 << 18)
    for key in (0xCA, 0x53):
        chip.write("RTC_WPR", key)
    chip.write("RTC_WUTR", 2)
    chip.write("RTC_CR", 4)
    chip.write("RTC_CR", 4 | 1 << 10 | 1 << 14)
    chip.wait(2_097_152 * 2 - 2000)
    assert not chip.rcc.csr(1 << 9), "LSE starts in two seconds"
    chip.wait(2_097_152 * 3)
    assert not chip.read("RTC_ISR") & 1 << 10
    chip.wait(3000)
    assert chip.read("RTC_ISR") & 1 << 10
