"""What the twin's nRF51822 says that it does: sleep, peripherals by their ENABLE registers, oscillators, a marker."""

from __future__ import annotations

import pytest

from tests.twin.activity import recorded
from tests.twin.nrf51.bench import Bench51

HZ = 16_000_000


def test_a_peripheral_is_on_while_it_is_enabled() -> None:
    chip = Bench51()
    log = recorded(chip)
    for register, value, off in (("UART0_ENABLE", 4, 0), ("SPIS1_ENABLE", 2, 0)):
        chip.wait(100)
        chip.write(register, value)
        chip.wait(100)
        chip.write(register, off)
    chip.wait(100)
    told = [(span.activity.state.value, sorted(span.activity.peripherals)) for span in log.end()]
    assert told == [
        ("run", []),
        ("sleep", []),
        ("sleep", ["UART0"]),
        ("sleep", []),
        ("sleep", ["SPIS1"]),
        ("sleep", []),
    ]


def test_a_timer_is_on_while_it_counts() -> None:
    chip = Bench51()
    chip.write("TIMER0_BITMODE", 3)
    chip.write("TIMER0_PRESCALER", 0)
    chip.write("TIMER0_CC0", 500)
    chip.write("TIMER0_SHORTS", 0x100)  # stop at CC0
    log = recorded(chip)
    chip.wait(100)
    chip.write("TIMER0_TASKS_START", 1)
    chip.wait(1000)
    (on,) = [span for span in log.end() if span.activity.peripherals == {"TIMER0"}]
    assert (on.end_s - on.begin_s) * HZ == pytest.approx(500)


def test_oscillators() -> None:
    chip = Bench51()
    log = recorded(chip)
    chip.wait(100)
    chip.write("CLOCK_TASKS_HFCLKSTART", 1)
    chip.wait(HZ // 1000)
    spans = [span for span in log.end() if span.activity.state.value == "sleep"]
    assert [sorted(span.activity.oscillators) for span in spans] == [
        ["HFCLK RC"],
        ["HFCLK RC", "HFCLK Xtal"],
        ["HFCLK Xtal"],
    ]
    assert spans[1].end_s - spans[1].begin_s == pytest.approx(8e-4)
    assert {span.activity.clock_hz for span in spans} == {HZ}


def test_a_pin_is_the_marker() -> None:
    chip = Bench51()
    log = recorded(chip, "P0.3")
    for level in ("OUTSET", "OUTCLR"):
        chip.wait(100)
        chip.write(f"GPIO_{level}", 1 << 3 | 1 << 4)
    chip.write("GPIO_OUTSET", 1 << 4)
    chip.wait(100)
    (high,) = [span for span in log.end() if span.marker]
    assert (high.end_s - high.begin_s) * HZ == pytest.approx(100)
    with pytest.raises(ValueError, match=r"no pin 'PA8'"):
        chip.record("PA8")
