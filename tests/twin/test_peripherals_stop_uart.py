"""USART2 and LPUART1 in Stop mode: what is lost, what is broken, and what wakes."""

from __future__ import annotations

from tests.twin.snippets import PIN, PIN_HANDLER, SLEEP, Bench

UART = """
main:
    put 0x4002102C, 1
    put 0x50000020, 0x{tx}
    put 0x50000024, 0x40000000
    put 0x50000000, 0xABFFFCAF
"""


def test_usart_loses_bytes_in_stop() -> None:
    chip = Bench(
        UART.format(tx="4400") + "put 0x40021038, 0x20000\n put 0x4000440C, 18\n put 0x40004400, 0x25\n"
        "put NVIC_ISER, 0x10000000\n" + SLEEP + "irq28: b irq28"
    )
    chip.run(10_000)
    assert chip.standing_still
    chip.usart2.wire.send(b"lost")
    chip.run(10**6)
    assert chip.standing_still
    assert "Stop mode" in chip.notes["USART2 RX"]
    assert not chip.usart2.value["ISR"] & 0x20


def test_a_frame_that_leaves_when_stop_begins_is_broken() -> None:
    chip = Bench(
        UART.format(tx="4400") + "put 0x40021038, 0x20000\n put 0x4000440C, 18\n put 0x40004400, 0x9\n"
        "4: ldr r0, =400\n 5: subs r0, #1\n bne 5b\n put 0x40004428, 0x41\n"
        + PIN.replace("CF3", "CA3")
        + SLEEP
        + PIN_HANDLER
    )
    chip.run(10_000)
    assert chip.standing_still
    assert "while USART2 sends" in chip.notes["USART2 Stop"]
    chip.ports["A"].drive(1, level=True)
    chip.run(chip.now() + 2000)
    assert chip.usart2.wire.to_host != b"A"


def lpuart(baud: int, wus: int) -> Bench:
    """LPUART1 on HSI16 that may wake the chip up."""
    chip = Bench(
        UART.format(tx="6600")
        + f"""
        set 0x40021038, 0x40000
        put 0x4002104C, 0x800
        set 0x40021000, 1
    4:  ldr r1, [r0]
        lsrs r1, #3
        bcc 4b
        put 0x4000480C, {256 * 16_000_000 // baud}
        put 0x40004808, {wus << 20 | 1 << 22}
        put 0x40004800, 0x27
        put NVIC_ISER, 0x20000000
    """
        + SLEEP
        + """
    irq29:
        ldr r0, =0x40004800
        ldr r1, =0x100000
        str r1, [r0, #0x20]
        ldr r1, [r0, #0x24]
        ldr r0, =RESULT
        str r1, [r0, #4]
        bx lr
    """
    )
    chip.lpuart1.wire.baud = baud
    chip.run(10_000)
    assert chip.standing_still
    return chip


def test_lpuart_wakes_with_a_byte() -> None:
    chip = lpuart(9600, wus=3)
    chip.lpuart1.wire.send(b"K")
    chip.run(10**6)
    assert (chip.word(), chip.word(4)) == (1, ord("K"))
    assert not chip.notes


def test_lpuart_wakes_at_the_start_bit() -> None:
    chip = lpuart(9600, wus=2)
    chip.lpuart1.wire.send(b"K")
    chip.run(chip.now() + 100)
    assert chip.word() == 1
    assert not chip.lpuart1.value["ISR"] & 0x20


def test_waking_takes_too_long_for_a_fast_line() -> None:
    """DWU of RM0367 30.4.5: 5 us are 5.8 % of a byte at 115200 baud."""
    chip = lpuart(115_200, wus=3)
    chip.lpuart1.wire.send(b"K")
    chip.run(10**6)
    assert "woken from Stop mode" in chip.notes["LPUART1 baud"]
