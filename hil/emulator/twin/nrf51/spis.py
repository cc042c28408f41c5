"""SPIS1, a slave with its own way to RAM and a semaphore (nRF51 Series Reference Manual v3.0.1, chapter SPIS).

Registers and bits: Nordic's nrf51.svd. The semaphore, the shortcut, DEF and ORC are told alike in Nordic's pages of
later parts with this block (docs.nordicsemi.com, nRF5340 and nRF54L15, SPIS, read): by default the core has the
semaphore; the slave takes it when CSN falls, if it is free, and gives it back when CSN rises; a transaction that did
not get it is ignored to its end, with DEF on MISO, also where the semaphore is released meanwhile. A change of ENABLE
gives it to the core.

CSN must be low for a while before SCK moves: 7.1 us (nRF51822 PS v2.0, table 39, as Nordic's support quotes it), and
2.1 us in constant latency mode (recalled). What an earlier clock does is not told: here the transaction is ignored and
answered with ones, and the chip's notes say so. At most 2 Mbit/s (PS v3.1, SPIS specifications; recalled): the same.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar, Final

from hil.emulator.twin.nrf51.block import POWER, Block, event, interrupts, task
from hil.emulator.twin.registers import NotModelledError, Register

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hil.emulator.twin.chip import Chip
    from hil.emulator.twin.nrf51.power import PowerClock

BASE: Final = 0x40004000
FREE, CPU, SPIS, CPU_PENDING = range(4)
OVERREAD, OVERFLOW = 1, 2
END_ACQUIRE: Final = 4
ENABLED: Final = 2
FASTEST_HZ: Final = 2_000_000
SETUP: Final = {True: Fraction(71, 10_000_000), False: Fraction(21, 10_000_000)}
"""From CSN's fall to the first clock, in s, in low power mode (True) and in constant latency mode."""

_NOWHERE: Final = 0xFFFFFFFF
_PULSES: Final = 8  # of a byte


class Spis(Block):
    """SPIS1.

    Args:
        chip: whose.
        power: its latency.
    """

    EVENTS: ClassVar[Mapping[str, int]] = {"END": 0x104, "ACQUIRED": 0x128}
    REGISTERS: ClassVar[Sequence[Register]] = (
        task("ACQUIRE", 0x024),
        task("RELEASE", 0x028),
        *(event(name, offset) for name, offset in EVENTS.items()),
        Register("SHORTS", 0x200, writable=END_ACQUIRE),
        *interrupts(EVENTS),
        Register("SEMSTAT", 0x400, reset=CPU),
        Register("STATUS", 0x440, acts=OVERREAD | OVERFLOW),
        Register("ENABLE", 0x500, writable=7),
        *(
            Register(f"PSEL{line}", offset, reset=_NOWHERE, writable=_NOWHERE)
            for line, offset in (("SCK", 0x508), ("MISO", 0x50C), ("MOSI", 0x510), ("CSN", 0x514))
        ),
        Register("RXDPTR", 0x534, writable=_NOWHERE),
        Register("MAXRX", 0x538, writable=0xFF),
        Register("AMOUNTRX", 0x53C),
        Register("TXDPTR", 0x544, writable=_NOWHERE),
        Register("MAXTX", 0x548, writable=0xFF),
        Register("AMOUNTTX", 0x54C),
        Register("CONFIG", 0x554, writable=6, unmodelled=1),
        Register("DEF", 0x55C, writable=0xFF),
        Register("ORC", 0x5C0, writable=0xFF),
        POWER,
    )

    def __init__(self, chip: Chip, power: PowerClock) -> None:
        self._power = power
        super().__init__(chip, "SPIS1", BASE)

    def reset(self) -> None:
        """See `Peripheral`; the transaction that is under way is no more of its own."""
        super().reset()
        self._granted = False
        self._begin()

    def _begin(self) -> None:
        self._send = b""
        self._heard = bytearray()
        self._bits = 0  # clocked so far
        self._partial = 0  # of a byte that is arriving

    # Semaphore

    @property
    def semaphore(self) -> int:
        """Who has it: `FREE`, `CPU`, `SPIS`, or `CPU_PENDING`."""
        return self.value["SEMSTAT"]

    def write_tasks_acquire(self, word: int, _mask: int) -> None:
        """The core wants it."""
        if word:
            self._acquire()

    def _acquire(self) -> None:
        if self.semaphore in {FREE, CPU}:
            self.value["SEMSTAT"] = CPU
            self.happen("ACQUIRED")
        else:
            self.value["SEMSTAT"] = CPU_PENDING

    def write_tasks_release(self, word: int, _mask: int) -> None:
        """The core gives it back, if it has it."""
        if word and self.semaphore == CPU:
            self.value["SEMSTAT"] = FREE

    def write_semstat(self, _word: int, _mask: int) -> None:
        """Read-only."""

    write_amountrx = write_amounttx = write_semstat

    def write_status(self, word: int, _mask: int) -> None:
        """A 1 forgets a flag."""
        self.value["STATUS"] &= ~word

    def write_enable(self, word: int, mask: int) -> None:
        """Off, or on: the core has the semaphore then, and no transaction under way is the slave's."""
        if word not in {0, ENABLED}:
            raise NotModelledError(f"writes {word} to SPIS1_ENABLE")
        if word != self.value["ENABLE"]:
            self.value["SEMSTAT"] = CPU
            self._granted = False
        self.store("ENABLE", word, mask)

    # The bus

    @property
    def mode(self) -> int:
        """CPOL and CPHA as modes are numbered."""
        config = self.value["CONFIG"]
        return (config >> 2 & 1) << 1 | (config >> 1 & 1)

    def setup(self) -> Fraction:
        """How long CSN must be low before the first clock, in s."""
        return SETUP[self._power.low_power]

    def missing(self, line: str, pin: int | None) -> str:
        """Why one of the bus's lines does not get to the slave; empty where it does."""
        if self.value["ENABLE"] != ENABLED:
            return "SPIS1 is off"
        if pin is None or self.value[f"PSEL{line}"] != pin:
            return f"PSEL{line} is not P0.{pin}"
        return ""

    def falls(self) -> None:
        """CSN falls at the slave."""
        self._begin()
        self._granted = self.semaphore == FREE
        if self._granted:
            self.value["SEMSTAT"] = SPIS
            sent = self._chip.core.bus_read(self.value["TXDPTR"], self.value["MAXTX"])
            if sent is None:
                self._give_up(f"has SPIS1 send what is at 0x{self.value['TXDPTR']:08x}, where no memory is")
            self._send = sent or b""

    def _give_up(self, words: str) -> None:
        """The chip cannot go on; whoever moves the bus's lines is not to hear of it."""

        def give_up(_cycle: int) -> None:
            raise NotModelledError(words)

        self._chip.events.at(self._chip.now(), give_up)

    def rises(self) -> None:
        """CSN rises: what has come is in RAM, and the semaphore is given back."""
        if not self._granted:
            return
        self._granted = False
        got = bytes(self._heard[: self.value["MAXRX"]])
        clocked = self._bits // _PULSES
        if not self._chip.core.bus_write(self.value["RXDPTR"], got):
            self._give_up(f"has SPIS1 write to 0x{self.value['RXDPTR']:08x}, where no RAM is")
        self.value["AMOUNTRX"], self.value["AMOUNTTX"] = len(got), min(clocked, self.value["MAXTX"])
        self.value["STATUS"] |= OVERFLOW if len(self._heard) > len(got) else 0
        self.value["STATUS"] |= OVERREAD if self._bits > _PULSES * len(self._send) else 0
        wanted = self.semaphore == CPU_PENDING
        self.value["SEMSTAT"] = FREE
        self.happen("END")
        if wanted or self.value["SHORTS"] & END_ACQUIRE:
            self._acquire()

    def exchange(self, data: bytes, pulses: int) -> bytes:
        """So many bits in, the first byte's highest first; as many out. A byte that is not whole waits for its rest."""
        word = int.from_bytes(data, "big") >> (_PULSES * len(data) - pulses)
        first, last = self._bits // _PULSES, (self._bits + pulses + _PULSES - 1) // _PULSES
        end = self._bits + pulses
        if self._granted:
            out = (self._send[first:last] + bytes([self.value["ORC"]]) * (last - first))[: last - first]
        else:
            out = bytes([self.value["DEF"]]) * (last - first)
        sent = int.from_bytes(out, "big") >> (_PULSES * last - end) & ((1 << pulses) - 1)
        held = self._bits % _PULSES
        arrived = self._partial << pulses | word
        whole, rest = divmod(held + pulses, _PULSES)
        self._heard += (arrived >> rest).to_bytes(whole, "big")
        self._partial = arrived & ((1 << rest) - 1)
        self._bits = end
        return (sent << -pulses % _PULSES).to_bytes((pulses + _PULSES - 1) // _PULSES, "big")
