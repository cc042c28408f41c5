"""FTDI's command engine (MPSSE), with a bus at ADBUS0 to ADBUS3: what application note AN 108 says of what it is sent.

SCK is ADBUS0, MOSI ADBUS1, MISO ADBUS2, chip select ADBUS3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hil.emulator.spi_bus import SpiBus

_SCK, _SELECT = 0x01, 0x08
_BAD_COMMAND = 0xFA
_ENGINE_HZ = 60e6
"""It takes a byte of a command in one clock at best."""
_BASE_HZ = 30_000_000
_DIV5_HZ = 6_000_000

# The bits of an opcode below 0x80 that moves data.
_OUT_FALLING, _BITS, _IN_FALLING, _LSB_FIRST, _OUT, _IN, _TMS = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40

_SET_LOW, _GET_LOW, _SET_HIGH, _GET_HIGH = 0x80, 0x81, 0x82, 0x83
_LOOPBACK_ON, _LOOPBACK_OFF = 0x84, 0x85
_DIVISOR, _SEND_NOW = 0x86, 0x87
_DIV5_OFF, _DIV5_ON = 0x8A, 0x8B
_THREE_PHASES_ON, _THREE_PHASES_OFF = 0x8C, 0x8D
_ADAPTIVE_ON, _ADAPTIVE_OFF = 0x96, 0x97
_ARGUMENTS = {_SET_LOW: 2, _SET_HIGH: 2, _DIVISOR: 2}


class Mpsse:
    """Args:
        bus: what is connected.
        ready_pin: the pin that data-ready is connected to: 4 to 15.

    Attributes:
        answer: what waits to be read.
        impossible: what it was told that makes no SPI, in words.
    """

    def __init__(self, bus: SpiBus, ready_pin: int | None = None) -> None:
        self._bus = bus
        self._ready_pin = ready_pin
        self._commands = bytearray()
        self.answer = bytearray()
        self.impossible: list[str] = []
        self.reset()

    def reset(self) -> None:
        """All pins inputs; the clock as after power-up."""
        self._commands.clear()
        self.answer.clear()
        self._out, self._drives = 0, 0
        self._loopback = False
        self._three_phases = False
        self._base_hz, self._divisor = _DIV5_HZ, 0
        self._since_select: int | None = None  # bytes of commands, until it clocks
        self._selected = False
        self._bus.select(on=False)

    def feed(self, data: bytes) -> None:
        """Take bytes; whole commands are done at once."""
        self._commands += data
        while self._commands and (used := self._step()):
            del self._commands[:used]

    @property
    def clock_hz(self) -> int:
        """Of SCK."""
        return self._base_hz // (self._divisor + 1)

    def _step(self) -> int:
        """Do the first command; how many bytes it has, 0 where some are still to come."""
        opcode = self._commands[0]
        if opcode < 0x80 and opcode & (_OUT | _IN) and not opcode & (_BITS | _LSB_FIRST | _TMS):
            return self._move(opcode)
        used = 1 + _ARGUMENTS.get(opcode, 0)
        if len(self._commands) < used:
            return 0
        if self._since_select is not None:
            self._since_select += used
        self._setting(opcode, bytes(self._commands[1:used]))
        return used

    def _setting(self, opcode: int, arguments: bytes) -> None:
        value = int.from_bytes(arguments, "little")
        if opcode in {_SET_LOW, _SET_HIGH}:
            shift = 0 if opcode == _SET_LOW else 8
            keep = ~(0xFF << shift)
            self._out = self._out & keep | arguments[0] << shift
            self._drives = self._drives & keep | arguments[1] << shift
            self._select(on=bool(self._drives & _SELECT and not self._out & _SELECT))
        elif opcode in {_GET_LOW, _GET_HIGH}:
            self.answer.append(self._levels() >> (0 if opcode == _GET_LOW else 8) & 0xFF)
        elif opcode == _DIVISOR:
            self._divisor = value
        elif opcode in {_DIV5_OFF, _DIV5_ON}:
            self._base_hz = _DIV5_HZ if opcode == _DIV5_ON else _BASE_HZ
        elif opcode in {_THREE_PHASES_ON, _THREE_PHASES_OFF}:
            self._three_phases = opcode == _THREE_PHASES_ON
        elif opcode in {_LOOPBACK_ON, _LOOPBACK_OFF}:
            self._loopback = opcode == _LOOPBACK_ON
        elif opcode not in {_SEND_NOW, _ADAPTIVE_OFF}:
            self.answer += bytes((_BAD_COMMAND, opcode))
            self.impossible.append(f"opcode {opcode:#04x}")

    def _select(self, *, on: bool) -> None:
        if on != self._selected:
            self._selected = on
            self._since_select = 0 if on else None
        self._bus.select(on=on)

    def _levels(self) -> int:
        """Of all pins; those that nobody drives are pulled up."""
        inputs = 0xFFFF
        if self._ready_pin is not None and not self._bus.data_ready():
            inputs &= ~(1 << self._ready_pin)
        return self._out & self._drives | inputs & ~self._drives

    def _move(self, opcode: int) -> int:
        """Bytes out, in, or both."""
        if len(self._commands) < 3:
            return 0
        count = 1 + int.from_bytes(self._commands[1:3], "little")
        sends = count if opcode & _OUT else 0
        if len(self._commands) < 3 + sends:
            return 0
        data = bytes(self._commands[3 : 3 + sends])
        if opcode & _OUT and opcode & _IN:
            self.answer += self._both(opcode, data)
        else:
            self.impossible.append(f"one direction only, opcode {opcode:#04x}")
        return 3 + sends

    def _both(self, opcode: int, data: bytes) -> bytes:
        """Idle low, out on the falling edge and in on the rising one: mode 0; all turned round: mode 2. No others."""
        idle_high = bool(self._out & _SCK)
        edges = opcode & (_OUT_FALLING | _IN_FALLING)
        if self._loopback or self._three_phases or self._drives & 0x0F != 0x0B:
            self.impossible.append("loopback, three phases or directions")
        held_s = None if self._since_select is None else self._since_select / _ENGINE_HZ
        self._since_select = None
        if edges == _OUT_FALLING and not idle_high:
            return self._bus.transfer(data, self.clock_hz, 0, held_s=held_s)
        if edges == _IN_FALLING and idle_high:
            return self._bus.transfer(data, self.clock_hz, 2, held_s=held_s)
        self.impossible.append(f"opcode {opcode:#04x} while SCK idles {'high' if idle_high else 'low'}")
        return bytes(len(data))
