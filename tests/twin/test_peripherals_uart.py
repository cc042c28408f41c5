"""USART2 and LPUART1: what arrives, what is lost, and which flag tells."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.emulator.twin.registers import NotModelledError
from hil.emulator.twin.stm32l031.uart import BUSY, FE, IDLE, NF, ORE, RXNE
from hil.emulator.twin.wire import sample
from tests.twin.snippets import BAUD, Bench

UE, RE, TE, RXNEIE = 1, 4, 8, 1 << 5
TXE, TC = 1 << 7, 1 << 6
FRAME = 16_000_000 * 10 // BAUD + 10


def bench(*, brr: int = 139, cr1: int = UE | RE | TE, cr3: int = 0, rx: bool = True, tx: bool = True) -> Bench:
    """USART2 at 115200 baud from 16 MHz, as firmware sets it up."""
    chip = Bench()
    chip.hsi16()
    chip.set("RCC_APB1ENR", 1 << 17)
    if tx:
        chip.pin("PA2", 4)
    if rx:
        chip.pin("PA15", 4)
    chip.write("USART2_BRR", brr)
    chip.write("USART2_CR3", cr3)
    chip.write("USART2_CR1", cr1)
    chip.wait(2 * FRAME)  # the idle frame
    return chip


def test_bytes_arrive_one_a_frame() -> None:
    chip = bench()
    chip.usart2.wire.send(b"ab")
    assert chip.read("USART2_ISR") & BUSY
    chip.wait(FRAME // 2)
    assert not chip.read("USART2_ISR") & RXNE
    chip.wait(FRAME // 2)
    assert chip.read("USART2_ISR") & RXNE
    assert chip.read("USART2_RDR") == ord("a")
    assert not chip.read("USART2_ISR") & RXNE
    chip.wait(FRAME)
    assert chip.read("USART2_RDR") == ord("b")
    assert not chip.read("USART2_ISR") & BUSY
    assert not chip.notes


def test_overrun_keeps_the_byte_and_stops_the_receiver() -> None:
    chip = bench()
    chip.usart2.wire.send(b"abc")
    chip.wait(3 * FRAME)
    assert chip.read("USART2_ISR") & (ORE | RXNE) == ORE | RXNE
    assert chip.read("USART2_RDR") == ord("a")
    chip.usart2.wire.send(b"d")
    chip.wait(FRAME)
    assert not chip.read("USART2_ISR") & RXNE, "received although ORE is set"
    chip.write("USART2_ICR", ORE)
    chip.usart2.wire.send(b"e")
    chip.wait(FRAME)
    assert chip.read("USART2_RDR") == ord("e")


def test_overrun_disabled_takes_the_new_byte() -> None:
    chip = bench(cr3=1 << 12)
    chip.usart2.wire.send(b"abc")
    chip.wait(3 * FRAME)
    assert not chip.read("USART2_ISR") & ORE
    assert chip.read("USART2_RDR") == ord("c")


def test_idle_is_flagged_once_after_the_last_byte() -> None:
    chip = bench()
    chip.wait(10 * FRAME)
    assert not chip.read("USART2_ISR") & IDLE, "before any byte"
    chip.usart2.wire.send(b"a")
    chip.wait(FRAME)
    assert not chip.read("USART2_ISR") & IDLE
    chip.wait(FRAME)
    assert chip.read("USART2_ISR") & IDLE
    chip.write("USART2_ICR", IDLE)
    chip.wait(10 * FRAME)
    assert not chip.read("USART2_ISR") & IDLE


def test_rxfrq_drops_the_byte() -> None:
    chip = bench()
    chip.usart2.wire.send(b"a")
    chip.wait(FRAME)
    chip.write("USART2_RQR", 8)
    assert not chip.read("USART2_ISR") & RXNE


@pytest.mark.parametrize("request_", [1, 2, 4, 16])
def test_other_requests_are_refused(request_: int) -> None:
    with pytest.raises(NotModelledError, match="USART2_RQR"):
        bench().write("USART2_RQR", request_)


@pytest.mark.parametrize(
    ("register", "bits", "words"),
    [
        ("USART2_CR1", 1 << 10, "bit 10 of USART2_CR1"),  # parity
        ("USART2_CR1", 1 << 12, "bit 12 of USART2_CR1"),  # 9 data bits
        ("USART2_CR2", 2 << 12, "bit 13 of USART2_CR2"),  # 2 stop bits
        ("USART2_CR3", 1 << 7, "bit 7 of USART2_CR3"),  # DMA
        ("USART2_RTOR", 1, "RTOR"),
    ],
)
def test_other_frames_are_refused(register: str, bits: int, words: str) -> None:
    with pytest.raises(NotModelledError, match=words):
        bench(cr1=0).write(register, bits)


def test_transmitter_sends_an_idle_frame_first_then_bytes_without_a_gap() -> None:
    chip = Bench()
    chip.hsi16()
    chip.set("RCC_APB1ENR", 1 << 17)
    chip.pin("PA2", 4)
    chip.write("USART2_BRR", 139)
    chip.write("USART2_CR1", UE | TE)
    chip.write("USART2_TDR", ord("a"))
    assert not chip.read("USART2_ISR") & (TXE | TC)
    chip.wait(1390)
    assert chip.read("USART2_ISR") & (TXE | TC) == TXE
    chip.write("USART2_TDR", ord("b"))
    chip.wait(1388)
    assert chip.usart2.wire.to_host == b""
    chip.wait(2)
    assert chip.usart2.wire.to_host == b"a"
    chip.wait(1390)
    assert chip.usart2.wire.to_host == b"ab"
    assert chip.read("USART2_ISR") & TC


def test_nothing_arrives_while_the_receive_pin_has_another_function() -> None:
    chip = bench(rx=False)
    chip.usart2.wire.send(b"a")
    chip.wait(2 * FRAME)
    assert not chip.read("USART2_ISR") & (RXNE | BUSY)
    assert "PA15 is not set to alternate function 4 (USART2_RX)" in chip.notes["USART2 RX"]


def test_nothing_is_sent_while_the_transmit_pin_has_another_function() -> None:
    chip = bench(tx=False)
    chip.write("USART2_TDR", ord("a"))
    chip.wait(2 * FRAME)
    assert chip.usart2.wire.to_host == b""
    assert "PA2 is not set to alternate function 4 (USART2_TX)" in chip.notes["USART2 TX"]


def test_a_wrong_baud_rate_shows() -> None:
    chip = bench(brr=139 * 9 // 8)
    chip.usart2.wire.send(b"\x00")
    chip.wait(2 * FRAME)
    assert chip.read("USART2_ISR") & (FE | NF)
    assert "115200" in chip.notes["USART2 baud"]
    chip.write("USART2_TDR", 0x55)
    chip.wait(2 * FRAME)
    assert chip.usart2.wire.to_host != b"\x55"


@given(st.integers(0, 255), st.fractions(Fraction(965, 1000), Fraction(1035, 1000)))
def test_any_byte_is_read_right_within_the_tolerance(byte: int, ratio: Fraction) -> None:
    assert sample(byte, Fraction(BAUD), ratio * BAUD) == (byte, False, False)


def test_registers_that_may_not_change_while_it_runs() -> None:
    for register, value in (("USART2_BRR", 16), ("USART2_CR1", 0x8000 | UE), ("USART2_CR3", 1 << 12)):
        with pytest.raises(NotModelledError, match="UE"):
            bench().write(register, value)


def test_sending_without_a_baud_rate_is_refused() -> None:
    with pytest.raises(NotModelledError, match="baud rate register of 0"):
        bench(brr=0)


def test_a_kernel_clock_that_is_off_is_told() -> None:
    chip = Bench()
    chip.set("RCC_APB1ENR", 1 << 17)
    chip.write("RCC_CCIPR", 3 << 2)
    chip.write("USART2_BRR", 0x100)
    with pytest.raises(NotModelledError, match="LSE is not ready"):
        chip.write("USART2_CR1", UE | TE)


def test_interrupt_driven_echo_on_the_core() -> None:
    """Real code: every byte comes back, in order, whatever the slices in which the chip runs."""
    chip = Bench("""
    main:
        put 0x4002102C, 1          // IOPENR
        put 0x40021038, 0x20000    // APB1ENR
        put 0x50000020, 0x400      // PA2
        put 0x50000024, 0x40000000 // PA15
        put 0x50000000, 0xABFFFCEF
        put 0x4000440C, 18         // 2.097 MHz / 115200
        put 0x40004400, 0x2D
        put NVIC_ISER, 0x10000000
    1:  wfi
        b 1b
    irq28:
        ldr r0, =0x40004400
        ldr r1, [r0, #0x24]
        str r1, [r0, #0x28]
        bx lr
    """)
    chip.usart2.wire.send(bytes(range(40, 90)))
    for cycles in (100, 1, 17, 5000, 333, 20_000):
        chip.run(chip.now() + cycles)
    assert not chip.trouble
    assert chip.usart2.wire.to_host == bytes(range(40, 90))
    assert not chip.notes


def test_lpuart_divides_256_times_its_clock() -> None:
    chip = Bench()
    chip.set("RCC_APB1ENR", 1 << 18)
    chip.pin("PA2", 6)
    chip.pin("PA3", 6)
    chip.write("LPUART1_BRR", 256 * 2_097_152 // 9600)
    chip.write("LPUART1_CR1", UE | RE | TE)
    assert abs(chip.lpuart1.baud() - 9600) < 1
    chip.lpuart1.wire.send(b"x")
    chip.write("LPUART1_TDR", ord("y"))
    chip.wait(5000)
    assert chip.read("LPUART1_RDR") == ord("x")
    assert chip.lpuart1.wire.to_host == b"y"
    assert not chip.notes


def test_lpuart_refuses_a_divider_below_0x300() -> None:
    chip = Bench()
    chip.set("RCC_APB1ENR", 1 << 18)
    chip.write("LPUART1_BRR", 0x2FF)
    with pytest.raises(NotModelledError, match="baud rate register of 767"):
        chip.write("LPUART1_CR1", UE | TE)
