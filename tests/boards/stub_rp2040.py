"""An RP2040 as its data sheet has it: resets, clocks with their crystal and PLL, UART0 (a PL011 without FIFOs)."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar

from tests.boards.stub_chip import Stub, StubChip, bit, refuse

if TYPE_CHECKING:
    from collections.abc import Callable

_CRYSTAL_HZ = 12_000_000
_RING_HZ = 6_500_000  # some such
_IO_BANK0, _PADS_BANK0, _PLL_SYS, _UART0 = 5, 8, 12, 22
_SET, _CLEAR, _ALIAS = 0x2000, 0x3000, 0x1000


class Rp2040(StubChip):
    IRQ: ClassVar[int] = 20
    VECTORS: ClassVar[int] = 0x100

    def build_stubs(self) -> None:
        self.resets = resets = self._block("RESETS", 0x4000C000, lambda: True)
        resets.initial = {0x00: 0x01FFFFFF}
        resets.writers[0x00] = self._reset
        resets.readers[0x08] = lambda: ~resets[0x00] & 0x01FFFFFF
        self.clocks = clocks = self._block("CLOCKS", 0x40008000, lambda: True)
        clocks.readers[0x38] = lambda: 1 << (clocks[0x30] & 3)
        clocks.readers[0x44] = lambda: 1 << (clocks[0x3C] & 1)
        clocks.writers[0x30] = lambda word: self._choose(0x30, word)
        clocks.writers[0x3C] = lambda word: self._choose(0x3C, word)
        self.xosc = xosc = self._block("XOSC", 0x40024000, lambda: True)
        xosc.readers[0x04] = lambda: (xosc[0x00] == 0xFABAA0) << 31
        self.pll = pll = self._block("PLL_SYS", 0x40028000, self._out_of_reset(_PLL_SYS))
        pll.initial = {0x00: 1, 0x04: 0x2D, 0x0C: 0x77000}
        pll.readers[0x00] = lambda: pll[0x00] | (not pll[0x04] & 0x21 and self.clock_starts) << 31
        self.pins = self._block("IO_BANK0", 0x40014000, self._out_of_reset(_IO_BANK0))
        self.pads = self._block("PADS_BANK0", 0x4001C000, self._out_of_reset(_PADS_BANK0))
        self.sio = sio = self.stub("SIO", 0xD0000000)
        self.latch(sio, 0x10, ones_set=0x14, ones_clear=0x18)
        sio.writers[0x24] = lambda word: sio.kept.update({0x20: sio[0x20] | word})
        self.uart0 = uart0 = self._block("UART0", 0x40034000, self._out_of_reset(_UART0))
        uart0.readers[0x00] = self.uart.take
        uart0.writers[0x00] = self.uart.send
        uart0.readers[0x18] = lambda: (self.uart.received is None) << 4 | self.uart.sending << 5
        uart0.writers[0x38] = self._mask

    def _block(self, name: str, base: int, on: Callable[[], bool]) -> Stub:
        """A block, and its two aliases that set and clear bits."""
        block = self.stub(name, base, on=on)
        for alias, change in ((_SET, lambda old, word: old | word), (_CLEAR, lambda old, word: old & ~word)):
            mirror = self.stub(f"{name} + 0x{alias:x}", base + alias, on=on)
            for offset in range(0, 0x40, 4):
                mirror.writers[offset] = (
                    lambda word, at=offset, change=change: block.take(at, 4, change(block[at], word))  # type: ignore[misc]
                )
        return block

    def _out_of_reset(self, number: int) -> Callable[[], bool]:
        return lambda: not bit(self.resets[0x00], number)

    def _reset(self, word: int) -> None:
        if bit(word, _PLL_SYS) and bit(self.clocks[0x3C], 0):
            refuse("resets the PLL that the core runs from")
        self.resets[0x00] = word

    def _choose(self, offset: int, word: int) -> None:
        self.clocks[offset] = word
        if self.clocks[0x30] & 3 == 2 and self.xosc[0x00] != 0xFABAA0:
            refuse("takes a crystal that is off for its reference")
        if bit(self.clocks[0x3C], 0) and (self.pll[0x04] & 0x29 or self.clocks[0x3C] >> 5 & 7):
            refuse("takes a PLL that is off, or none, for its clock")
        if self.clocks[0x34] not in {0, 1 << 8} or self.clocks[0x40] not in {0, 1 << 8}:
            refuse("divides a clock")

    def core_hz(self) -> Fraction:
        if bit(self.clocks[0x3C], 0):
            first, second = self.pll[0x0C] >> 16 & 7, self.pll[0x0C] >> 12 & 7
            return Fraction(_CRYSTAL_HZ, self.pll[0x00] & 63) * self.pll[0x08] / (first * second)
        return Fraction(_CRYSTAL_HZ if self.clocks[0x30] & 3 == 2 else _RING_HZ)

    def baud(self) -> Fraction:
        if not bit(self.clocks[0x48], 11):
            refuse("gives UART0 no clock")
        return 4 * self.core_hz() / max(1, self.uart0[0x24] * 64 + self.uart0[0x28])

    def _on(self, pin: str, enable: int) -> bool:
        uart = self.uart0
        eight_bits = uart[0x2C] == 3 << 5
        chosen = self.pins[8 * int(pin[2:]) + 4] == 2
        return chosen and eight_bits and bit(uart[0x30], 0) and bit(uart[0x30], enable)

    def receives(self) -> bool:
        return self._on(self.rx, 9) and bool(self.pads[4 + 4 * int(self.rx[2:])] & 0x40)

    def transmits(self) -> bool:
        return self._on(self.tx, 8)

    def _mask(self, word: int) -> None:
        self.uart0[0x38] = word
        self.raise_line()

    def wants_interrupt(self) -> bool:
        """Of the transmitter only once a byte has left."""
        mask = self.uart0[0x38]
        return (bit(mask, 4) and self.uart.received is not None) or (bit(mask, 5) and self.uart.sent_one)

    def marker(self) -> bool:
        number = int(self.board.marker[2:])
        return self.pins[8 * number + 4] == 5 and bit(self.sio[0x20], number) and bit(self.sio[0x10], number)
