"""An LPC84x as UM11029 has it: the free-running oscillator, the switch matrix, USART0."""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar

from tests.boards.stub_chip import StubChip, bit

_OSCILLATOR_HZ = 24_000_000


class Lpc8xx(StubChip):
    IRQ: ClassVar[int] = 3

    def build_stubs(self) -> None:
        self.syscon = syscon = self.stub("SYSCON", 0x40048000)
        syscon.initial = {0x80: 0x17, 0x88: 0xFBFDFFF0, 0x90: 7}
        syscon.writers[0x30] = self._take_over
        self._direct = False
        self.swm = self.stub("SWM0", 0x4000C000, on=lambda: bit(syscon[0x80], 7))
        self.swm.initial = {0x00: 0xFFFFFFFF}
        self.gpio = gpio = self.stub("GPIO", 0xA0000000, size=0x3000, on=lambda: bit(syscon[0x80], 6))
        self.latch(gpio, 0x2100, ones_set=0x2200, ones_clear=0x2280)
        gpio.writers[0x2380] = lambda word: gpio.kept.update({0x2000: gpio[0x2000] | word})
        self.usart = usart = self.stub("USART0", 0x40064000, on=lambda: bit(syscon[0x80], 14) and bit(syscon[0x88], 14))
        usart.initial = {0x28: 15}
        usart.readers[0x08] = self._status
        usart.writers[0x08] = self._clear_overrun
        usart.writers[0x0C] = lambda word: self._enable(usart[0x0C] | word)
        usart.writers[0x10] = lambda word: self._enable(usart[0x0C] & ~word)
        usart.readers[0x14] = self.uart.take
        usart.writers[0x1C] = self.uart.send

    def _take_over(self, word: int) -> None:
        if bit(word, 0) and not bit(self.syscon[0x30], 0):
            self._direct = bit(self.syscon[0x28], 17)
        self.syscon[0x30] = word

    def core_hz(self) -> Fraction:
        return Fraction(_OSCILLATOR_HZ, 1 if self._direct else 2)

    def baud(self) -> Fraction:
        clock = {0: self.core_hz(), 1: self.core_hz()}[self.syscon[0x90]]
        return clock / (((self.usart[0x28] & 15) + 1) * (self.usart[0x20] + 1))

    def _on(self, pin: str, shift: int) -> bool:
        assigned = self.swm[0x00] >> shift & 0xFF
        return assigned == int(pin.removeprefix("PIO0_")) and self.usart[0x00] == 1 | 1 << 2

    def receives(self) -> bool:
        return self._on(self.rx, 8)

    def transmits(self) -> bool:
        return self._on(self.tx, 0)

    def _status(self) -> int:
        uart = self.uart
        return (uart.received is not None) | (not uart.sending) << 2 | uart.overrun << 8

    def _clear_overrun(self, word: int) -> None:
        self.uart.overrun = self.uart.overrun and not bit(word, 8)
        self.raise_line()

    def _enable(self, word: int) -> None:
        self.usart[0x0C] = word
        self.raise_line()

    def wants_interrupt(self) -> bool:
        return bool(self.usart[0x0C] & self._status() & 0x05)

    def marker(self) -> bool:
        number = int(self.board.marker.removeprefix("PIO0_"))
        return bit(self.gpio[0x2000], number) and bit(self.gpio[0x2100], number)
