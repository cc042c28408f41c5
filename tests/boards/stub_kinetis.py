"""A KL25 as KL25P80M48SF0RM has it: the MCG's modes on a crystal of 8 MHz, UART0, the watchdog."""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar

from tests.boards.stub_chip import Stub, StubChip, bit, refuse

_CRYSTAL_HZ = 8_000_000
_SLOW_HZ = 32_768
_FLL_HZ = _SLOW_HZ * 640
_CORE_MOST_HZ, _BUS_MOST_HZ = 48_000_000, 24_000_000
_FLL, _INTERNAL, _CRYSTAL, _PLL = range(4)  # CLKST of the MCG's S
_C1, _C2, _C5, _C6, _S = 0, 1, 4, 5, 6
_BDH, _BDL, _C2_UART, _S1, _C3, _D, _C4 = 0, 1, 3, 4, 6, 7, 10
_FUNCTIONS = {"PTA1": 2, "PTA2": 2}


class Kinetis(StubChip):
    IRQ: ClassVar[int] = 12

    def build_stubs(self) -> None:
        self.sim = sim = self.stub("SIM", 0x40048000)
        sim.initial = {0x44: 1 << 16, 0x100: 0xC}
        self.mcg = mcg = self.stub("MCG", 0x40064000, unit=1)
        mcg.initial = {_C1: 0x04, _C2: 0x80}
        mcg.readers[_S] = self._status_of_clock
        for offset in (_C1, _C2, _C5, _C6):
            mcg.writers[offset] = lambda value, at=offset: self._set_clock(at, value)  # type: ignore[misc]
        self.ports = [self._port(number, letter) for number, letter in enumerate("ABCDE")]
        self.fast = fast = self.stub("FGPIO", 0xF80FF000)
        for base in range(0, 0x40 * len(self.ports), 0x40):
            self.latch(fast, base, ones_set=base + 4, ones_clear=base + 8)
        self.uart0 = uart0 = self.stub("UART0", 0x4006A000, unit=1, on=lambda: bit(sim[0x34], 10))
        uart0.initial = {_C4: 0x0F, _BDL: 4}
        uart0.readers[_S1] = self._status
        uart0.writers[_S1] = self._clear_overrun
        uart0.readers[_D] = self.uart.take
        uart0.writers[_D] = self.uart.send
        uart0.writers[_C2_UART] = self._control

    def _port(self, number: int, letter: str) -> Stub:
        return self.stub(f"PORT{letter}", 0x40049000 + 0x1000 * number, on=lambda: bit(self.sim[0x38], 9 + number))

    def _state(self) -> int:
        out = self.mcg[_C1] >> 6
        return _PLL if out == _FLL and bit(self.mcg[_C6], 6) else out

    def _status_of_clock(self) -> int:
        crystal, pll = bit(self.mcg[_C2], 2) and self.clock_starts, bit(self.mcg[_C6], 6)
        return crystal << 1 | self._state() << 2 | bit(self.mcg[_C1], 2) << 4 | pll << 5 | (pll and crystal) << 6

    def _set_clock(self, offset: int, value: int) -> None:
        before = self._state()
        self.mcg[offset] = value
        if self._state() == _PLL and before not in {_CRYSTAL, _PLL}:
            refuse("goes to the PLL from another mode than that of the bypassed crystal")
        core_hz = self.core_hz()
        if core_hz > _CORE_MOST_HZ or core_hz / ((self.sim[0x44] >> 16 & 7) + 1) > _BUS_MOST_HZ:
            refuse(f"runs the core at {float(core_hz):.0f} Hz, or bus and flash too fast")
        c1 = self.mcg[_C1]
        if not bit(c1, 2) and Fraction(_CRYSTAL_HZ, 32 << (c1 >> 3 & 7)) != Fraction(31_250):
            refuse("gives the FLL a reference of other than 31.25 kHz")

    def _pll_hz(self) -> Fraction:
        return Fraction(_CRYSTAL_HZ, (self.mcg[_C5] & 31) + 1) * ((self.mcg[_C6] & 31) + 24)

    def core_hz(self) -> Fraction:
        out = (Fraction(_FLL_HZ), Fraction(_SLOW_HZ), Fraction(_CRYSTAL_HZ), self._pll_hz())[self._state()]
        return out / ((self.sim[0x44] >> 28) + 1)

    def baud(self) -> Fraction:
        options = self.sim[0x04]
        if options >> 26 & 3 != 1:
            refuse("gives UART0 no clock")
        clock = self._pll_hz() / 2 if bit(options, 16) else Fraction(_FLL_HZ)
        divider = (self.uart0[_BDH] & 31) << 8 | self.uart0[_BDL]
        return clock / (((self.uart0[_C4] & 31) + 1) * max(1, divider))

    def _on(self, pin: str, enable: int) -> bool:
        port, number = self.ports["ABCDE".index(pin[2])], int(pin[3:])
        return port[4 * number] >> 8 & 7 == _FUNCTIONS[pin] and bit(self.uart0[_C2_UART], enable)

    def receives(self) -> bool:
        return self._on(self.rx, 2) and not self.uart.overrun

    def transmits(self) -> bool:
        return self._on(self.tx, 3)

    def _status(self) -> int:
        uart = self.uart
        return uart.overrun << 3 | (uart.received is not None) << 5 | (not uart.sending) << 7

    def _clear_overrun(self, value: int) -> None:
        self.uart.overrun = self.uart.overrun and not bit(value, 3)
        self.raise_line()

    def _control(self, value: int) -> None:
        self.uart0[_C2_UART] = value
        self.raise_line()

    def wants_interrupt(self) -> bool:
        control, status = self.uart0[_C2_UART], self._status()
        overrun = bit(self.uart0[_C3], 3) and bit(status, 3)
        return (bit(control, 5) and bit(status, 5)) or (bit(control, 7) and bit(status, 7)) or overrun

    def marker(self) -> bool:
        base, number = 0x40 * "ABCDE".index(self.board.marker[2]), int(self.board.marker[3:])
        return bit(self.fast[base + 0x14], number) and bit(self.fast[base], number)
