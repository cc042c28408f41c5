"""STM32F0 as RM0091 has it: HSI and its PLL, the flash's wait state, USART2 on port A."""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar

from tests.boards.stub_chip import Stub, StubChip, bit, refuse

_HSI_HZ = 8_000_000
_ZERO_WAITS_HZ = 24_000_000
_PLL = 2  # of SW


class Stm32f0(StubChip):
    IRQ: ClassVar[int] = 28
    ALIASES: ClassVar[tuple[int, ...]] = (0,)

    def build_stubs(self) -> None:
        self.flash_access = self.stub("FLASH", 0x40022000, size=0x400)
        self.rcc = rcc = self.stub("RCC", 0x40021000, size=0x400)
        rcc.readers[0x00] = lambda: rcc[0x00] | (bit(rcc[0x00], 24) and self.clock_starts) << 25
        rcc.readers[0x04] = lambda: rcc[0x04] | (rcc[0x04] & 3) << 2
        rcc.writers[0x04] = self._configure
        self.gpio = {letter: self._port(number, letter) for number, letter in enumerate("ABC")}
        self.usart = usart = self.stub("USART2", 0x40004400, size=0x400, on=lambda: bit(rcc[0x1C], 17))
        usart.writers[0x00] = self._control
        usart.readers[0x1C] = self._status
        usart.writers[0x20] = self._clear_overrun
        usart.readers[0x24] = self.uart.take
        usart.writers[0x28] = self.uart.send

    def _port(self, number: int, letter: str) -> Stub:
        port = self.stub(
            f"GPIO{letter}", 0x48000000 + 0x400 * number, size=0x400, on=lambda: bit(self.rcc[0x14], 17 + number)
        )
        self.latch(port, 0x14, ones_set=0x18, ones_clear=0x28)
        return port

    def _configure(self, word: int) -> None:
        self.rcc[0x04] = word
        if word & 3 == _PLL and not bit(self.rcc[0x00], 24):
            refuse("switches to a PLL that is off")
        if self.core_hz() > _ZERO_WAITS_HZ and not bit(self.flash_access[0], 0):
            refuse(f"runs the core at {float(self.core_hz()):.0f} Hz without a wait state of the flash")

    def core_hz(self) -> Fraction:
        if self.rcc[0x04] & 3 != _PLL:
            return Fraction(_HSI_HZ)
        return Fraction(_HSI_HZ, 2) * ((self.rcc[0x04] >> 18 & 15) + 2)

    def baud(self) -> Fraction:
        return self.core_hz() / max(1, self.usart[0x0C])

    def _on(self, pin: str, enable: int) -> bool:
        number, port = int(pin[2:]), self.gpio["A"]
        function = port[0x20 + number // 8 * 4] >> 4 * (number % 8) & 15
        alternate = port[0x00] >> 2 * number & 3
        return (alternate, function) == (2, 1) and bit(self.usart[0], 0) and bit(self.usart[0], enable)

    def receives(self) -> bool:
        return self._on(self.rx, 2) and not self.uart.overrun

    def transmits(self) -> bool:
        return self._on(self.tx, 3)

    def _status(self) -> int:
        uart = self.uart
        return uart.overrun << 3 | (uart.received is not None) << 5 | (not uart.sending) << 7

    def _control(self, word: int) -> None:
        self.usart[0] = word
        self.raise_line()

    def _clear_overrun(self, word: int) -> None:
        self.uart.overrun = self.uart.overrun and not bit(word, 3)
        self.raise_line()

    def wants_interrupt(self) -> bool:
        control, status = self.usart[0], self._status()
        received = bit(status, 3) or bit(status, 5)
        return (bit(control, 5) and received) or (bit(control, 7) and bit(status, 7))

    def marker(self) -> bool:
        port, number = self.gpio[self.board.marker[1]], int(self.board.marker[2:])
        return port[0x00] >> 2 * number & 3 == 1 and bit(port[0x14], number)
