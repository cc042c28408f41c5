"""DMA1 (RM0377, 10): seven channels, each between memory and the data register of one peripheral.

Addresses and bits: ST's SVD file and stm32l031xx.h. The manual's chapter could not be read; what follows from it is
(recalled): a channel counts NDT down and, if circular, up again and from CMAR anew; it addresses memory from CMAR
whenever EN is set; HT is set when half of NDT, rounded down, is left; where memory does not answer, TE is set and EN
cleared; the lowest bit of an address of half-words is ignored; of a narrower peripheral the upper bits read zero.

A channel is served at once when its request is up, and takes no cycles of the bus from the core: on silicon a transfer
takes some, and the core may wait for one. Not modelled, and refused: memory to memory, words, an address of the
peripheral that counts up, requests of other peripherals than `Dma.connect` was told of, and registers that are written
while their channel is enabled.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Final

from hil.emulator.twin.registers import NotModelledError, Peripheral, Register

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hil.emulator.twin.chip import Chip

BASE: Final = 0x40020000
EN, TCIE, HTIE, TEIE, DIR, CIRC, PINC, MINC = (1 << n for n in range(8))
PSIZE_16, MSIZE_16, MEM2MEM = 1 << 8, 1 << 10, 1 << 14
_PL: Final = 3 << 12
_REFUSED: Final = PINC | MEM2MEM | 1 << 9 | 1 << 11  # the last two: words
_CCR: Final = 0x7FFF & ~_REFUSED
_INTERRUPTS: Final = TCIE | HTIE | TEIE
GIF, TCIF, HTIF, TEIF = (1 << n for n in range(4))
_FLAGS: Final = TCIF | HTIF | TEIF
_CHANNELS: Final = range(1, 8)
_LINES: Final = {9: (1,), 10: (2, 3), 11: (4, 5, 6, 7)}
"""Channels by the interrupt that they raise (stm32l031xx.h)."""
_ALL: Final = 0xFFFFFFFF
_BYTE: Final = 0xFF
_HALF_WORD: Final = 0xFFFF


def _channel_registers(number: int) -> tuple[Register, ...]:
    at = 20 * number - 12
    return (
        Register(f"CCR{number}", at, writable=_CCR, unmodelled=_REFUSED),
        Register(f"CNDTR{number}", at + 4, writable=0xFFFF),
        Register(f"CPAR{number}", at + 8, writable=_ALL),
        Register(f"CMAR{number}", at + 12, writable=_ALL),
    )


@dataclass(frozen=True)
class Request:
    """What a peripheral asks of a channel.

    Attributes:
        name: for messages.
        channel: which it is wired to, 1 to 7.
        selection: what CSELR must hold for that channel.
        address: of the peripheral's data register.
        reads: the channel reads it, and writes memory; otherwise vice versa.
        up: whether the peripheral asks for a transfer now.
        take: reads the data register.
        give: writes the data register.
    """

    name: str
    channel: int
    selection: int
    address: int
    reads: bool
    up: Callable[[], bool]
    take: Callable[[], int]
    give: Callable[[int], None]


class Channel:
    """What a channel does while EN is set.

    Attributes:
        number: which.
        left: what CNDTR reads as.
        at: address of the next transfer in memory.
        reload: what `left` begins with.
        flags: of ISR, at their places in channel 1's field, without GIF.
        request: which it serves; None while EN is clear.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.left = 0
        self.reload = 0
        self.flags = 0
        self.request: Request | None = None
        self.priority = 0
        self.at = self._start = 0
        self._memory_bytes = self._peripheral_mask = 1
        self._step = 0
        self._circular = False

    def start(self, request: Request, ccr: int, memory: int) -> None:
        """EN is set."""
        self.request = request
        self.priority = (ccr & _PL) >> 12
        self._memory_bytes = 2 if ccr & MSIZE_16 else 1
        self._peripheral_mask = _HALF_WORD if ccr & PSIZE_16 else _BYTE
        self._step = self._memory_bytes if ccr & MINC else 0
        self.at = self._start = memory & ~(self._memory_bytes - 1)
        self._circular = bool(ccr & CIRC)

    def wants(self) -> bool:
        """Whether there is a transfer to make."""
        return self.left > 0 and self.request is not None and self.request.up()

    def quiet(self) -> int:
        """How many transfers, of single bytes that follow each other in memory, raise no flag; 0 for others."""
        if self.request is None or self._step != 1 or self._peripheral_mask != _BYTE:
            return 0
        half = self.reload // 2
        return max(0, (self.left - half if self.left > half else self.left) - 1)

    def advance(self, count: int) -> None:
        """So many transfers are made: one, or as many as `quiet` allows."""
        self.at += count * self._step
        self.left -= count
        if self.left == self.reload // 2:
            self.flags |= HTIF
        if not self.left:
            self.flags |= TCIF
            if self._circular:
                self.left = self.reload
                self.at = self._start

    def transfer(self, read: Callable[[int, int], bytes | None], write: Callable[[int, bytes], bool]) -> bool:
        """Make one; False where memory does not answer."""
        request, size = self.request, self._memory_bytes
        if request is None:
            return True
        if request.reads:
            value = request.take() & self._peripheral_mask
            if not write(self.at, (value & (1 << 8 * size) - 1).to_bytes(size, "little")):
                return False
        else:
            data = read(self.at, size)
            if data is None:
                return False
            request.give(int.from_bytes(data, "little") & self._peripheral_mask)
        self.advance(1)
        return True


class Dma(Peripheral):
    """DMA1.

    Args:
        chip: whose.
        clocked: whether its bus clock is on.
        read: reads memory: address and size to bytes, None where it does not answer.
        write: writes memory; False where it does not answer.
    """

    REGISTERS: ClassVar[Sequence[Register]] = (
        Register("ISR", 0x00),
        Register("IFCR", 0x04, acts=0x0FFFFFFF),
        *(register for number in _CHANNELS for register in _channel_registers(number)),
        Register("CSELR", 0xA8, writable=0x0FFFFFFF),
    )

    def __init__(
        self,
        chip: Chip,
        clocked: Callable[[], bool],
        read: Callable[[int, int], bytes | None],
        write: Callable[[int, bytes], bool],
    ) -> None:
        self._chip = chip
        self._clocked = clocked
        self._memory_read = read
        self._memory_write = write
        self._requests: list[Request] = []
        super().__init__("DMA1", BASE)
        for number in _CHANNELS:
            for name, reader, writer in (
                ("CCR", None, self._write_ccr),
                ("CNDTR", self._read_cndtr, self._write_cndtr),
                ("CPAR", None, partial(self._write_address, "CPAR")),
                ("CMAR", None, partial(self._write_address, "CMAR")),
            ):
                offset = self._by_name[f"{name}{number}"].offset
                self._writers[offset] = partial(writer, number)
                if reader:
                    self._readers[offset] = partial(reader, number)

    def clocked(self) -> bool:
        """See `Peripheral`."""
        return self._clocked()

    def reset(self) -> None:
        """See `Peripheral`."""
        super().reset()
        self._channels = {number: Channel(number) for number in _CHANNELS}
        self._active: list[Channel] = []
        self._serving = False
        self._update()

    def connect(self, request: Request) -> None:
        """Have channels serve a peripheral, which is to call `serve` when its request has come up."""
        self._requests.append(request)

    def serve(self) -> None:
        """Make the transfers that are asked for, the channel of the highest priority first."""
        if not self._active or self._serving or not self._clocked():
            return
        self._serving = True  # a transfer may raise the next request
        try:
            while channel := next((each for each in self._active if each.wants()), None):
                before = channel.flags
                if not channel.transfer(self._memory_read, self._memory_write):
                    channel.flags |= TEIF
                    self.value[f"CCR{channel.number}"] &= ~EN
                    self._stop(channel)
                if channel.flags != before:
                    self._update()
        finally:
            self._serving = False

    # Many at once

    def quiet(self, request: Request) -> int:
        """How many transfers of single bytes would now be made for a request without a flag being raised."""
        channel = self._channels[request.channel]
        return channel.quiet() if channel.request is request and self._clocked() else 0

    def serves(self, request: Request) -> bool:
        """Whether a request would be served at once."""
        channel = self._channels[request.channel]
        return channel.request is request and channel.left > 0 and self._clocked()

    def stream(self, source: Request | None, sink: Request | None, data: bytes) -> bytes | None:
        """Make as many of them: what `source` is given from memory, while `sink` writes ``data`` there.

        None, and nothing done, where memory does not answer, or one would read what the other has just written.
        """
        count = len(data)
        reader = self._channels[source.channel] if source else None
        writer = self._channels[sink.channel] if sink else None
        if reader and writer and abs(reader.at - writer.at) < count:
            return None
        found = self._memory_read(reader.at, count) if reader else b""
        if found is None or (writer and not self._memory_write(writer.at, data)):
            return None
        for channel in (reader, writer):
            if channel:
                channel.advance(count)
        return found

    # Registers

    def read_isr(self) -> int:
        """Flags; GIF is there with any other (recalled)."""
        fields = ((each.number, each.flags | (GIF if each.flags else 0)) for each in self._channels.values())
        return sum(flags << 4 * (number - 1) for number, flags in fields)

    def write_isr(self, _word: int, _mask: int) -> None:
        """Read-only."""

    def read_ifcr(self) -> int:
        """Write-only."""
        return 0

    def write_ifcr(self, word: int, mask: int) -> None:
        """Clear flags; CGIF clears a channel's all."""
        for number, channel in self._channels.items():
            clear = (word & mask) >> 4 * (number - 1)
            channel.flags &= ~(_FLAGS if clear & GIF else clear)
        self._update()

    def write_cselr(self, word: int, mask: int) -> None:
        """Which request each channel serves."""
        changed = (word ^ self.value["CSELR"]) & mask
        for channel in self._active:
            if changed >> 4 * (channel.number - 1) & 0xF:
                raise NotModelledError(f"changes the request of DMA1's channel {channel.number} while it is enabled")
        self.store("CSELR", word, mask)

    def _write_ccr(self, number: int, word: int, mask: int) -> None:
        name = f"CCR{number}"
        old = self.value[name]
        channel = self._channels[number]
        if old & EN and word & mask & EN and (word ^ old) & mask & ~_INTERRUPTS:
            raise NotModelledError(f"changes DMA1_{name} beyond its interrupts while EN is set")
        self.store(name, word, mask)
        new = self.value[name]
        if new & EN and not old & EN:
            channel.start(self._request_of(number), new, self.value[f"CMAR{number}"])
            self._active = sorted([*self._active, channel], key=lambda each: (-each.priority, each.number))
        elif not new & EN and old & EN:
            self._stop(channel)
        self._update()
        self.serve()

    def _request_of(self, number: int) -> Request:
        selection = self.value["CSELR"] >> 4 * (number - 1) & 0xF
        found = next(
            (each for each in self._requests if (each.channel, each.selection) == (number, selection)),
            None,
        )
        if found is None:
            raise NotModelledError(
                f"enables channel {number} of DMA1 for request {selection} of DMA1_CSELR, which the twin does not model"
            )
        if bool(self.value[f"CCR{number}"] & DIR) == found.reads:
            raise NotModelledError(f"enables channel {number} of DMA1 with DIR against the way of {found.name}")
        if self.value[f"CPAR{number}"] & ~1 != found.address:
            raise NotModelledError(
                f"enables channel {number} of DMA1 for {found.name} with 0x{self.value[f'CPAR{number}']:08x} in CPAR, "
                f"which is not its data register, 0x{found.address:08x}"
            )
        return found

    def _stop(self, channel: Channel) -> None:
        channel.request = None
        self._active = [each for each in self._active if each is not channel]

    def _read_cndtr(self, number: int) -> int:
        return self._channels[number].left

    def _write_cndtr(self, number: int, word: int, mask: int) -> None:
        self._write_address("CNDTR", number, word, mask)
        self._channels[number].left = self._channels[number].reload = self.value[f"CNDTR{number}"]

    def _write_address(self, name: str, number: int, word: int, mask: int) -> None:
        if self.value[f"CCR{number}"] & EN:
            raise NotModelledError(f"writes DMA1_{name}{number} while the channel is enabled")
        self.store(f"{name}{number}", word, mask)

    def _update(self) -> None:
        for line, numbers in _LINES.items():
            raised = any(self._channels[number].flags & self.value[f"CCR{number}"] & _INTERRUPTS for number in numbers)
            self._chip.set_line(line, level=raised)
