"""SPI1 as a slave (RM0377, 26): frames of 8 or 16 bits, modes 0 to 3, full duplex.

Bits: ST's SVD file, and its stm32l031xx.h. Features: RM0451 23.1, of the STM32L0x0 (read). Overrun and how it is
cleared, MODF (a master's alone), BSY: RM0090, RM0365 and RM0402, of other families with this block (read in part). When
the shift register takes over the transmit buffer, and that it does so again where nothing new was written, are
(recalled; the manual says neither).

RXDMAEN asks the DMA for a transfer while RXNE is set, TXDMAEN while TXE is (RM0377 26.3.9, recalled), also without SPE.

Deselecting in the middle of a frame leaves the bits that have arrived: the manual promises no more, so that firmware is
to be built for it. Clearing SPE, or a reset by RCC, begins a frame anew.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar, Final

from hil.emulator.twin.registers import NotModelledError, Peripheral, Register
from hil.emulator.twin.stm32l031.dma import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hil.emulator.twin.chip import Chip
    from hil.emulator.twin.stm32l031.dma import Dma

BASE: Final = 0x40013000
CPHA, CPOL, MSTR, SPE, LSBFIRST, SSI, SSM, RXONLY, DFF = (1 << n for n in (0, 1, 2, 6, 7, 8, 9, 10, 11))
_BR: Final = 0x38
_CR1: Final = CPHA | CPOL | _BR | SPE | LSBFIRST | SSI | SSM | RXONLY | DFF
_FIXED: Final = CPHA | CPOL | LSBFIRST | DFF
ERRIE, RXNEIE, TXEIE = 1 << 5, 1 << 6, 1 << 7
RXDMAEN, TXDMAEN = 1, 2
_CR2: Final = ERRIE | RXNEIE | TXEIE | RXDMAEN | TXDMAEN | 4  # SSOE has no meaning for a slave
RXNE, TXE, OVR, BSY = 1, 2, 1 << 6, 1 << 7
_INTERRUPT: Final = 25
_HALF: Final = 0xFFFF
_DR: Final = 0x0C
_ENDLESS: Final = 1 << 32
_REQUEST: Final = 1  # of CSELR, for either channel (stm32l0xx_hal_dma.h, recalled)


def _mirrored(word: int, bits: int) -> int:
    """A word with its bits in the opposite order."""
    return int(f"{word:0{bits}b}"[::-1], 2)


class Spi(Peripheral):
    """SPI1.

    Args:
        chip: whose.
        clocked: whether its bus clock is on.
        selected: whether the NSS pin is low and connected.
        dma: serves its requests.

    Attributes:
        begun: a frame is on its way.
        enabled: when SPE was set last, in s of the chip's time.
    """

    REGISTERS: ClassVar[Sequence[Register]] = (
        Register("CR1", 0x00, writable=_CR1, unmodelled=_HALF & ~_CR1),
        Register("CR2", 0x04, writable=_CR2, unmodelled=0xF7 & ~_CR2),
        Register("SR", 0x08, reset=TXE, acts=0x10),
        Register("DR", _DR, acts=_HALF),
        Register("CRCPR", 0x10, reset=7, unmodelled=_HALF),
        Register("RXCRCR", 0x14, refused=True),
        Register("TXCRCR", 0x18, refused=True),
        Register("I2SCFGR", 0x1C, refused=True),
        Register("I2SPR", 0x20, refused=True),
    )

    def __init__(self, chip: Chip, clocked: Callable[[], bool], selected: Callable[[], bool], dma: Dma) -> None:
        self._chip = chip
        self._clocked = clocked
        self._selected = selected
        self._dma = dma
        self.enabled = Fraction(0)
        self._receives = self._request("SPI1_RX", 2, RXNE, RXDMAEN, reads=True)
        self._transmits = self._request("SPI1_TX", 3, TXE, TXDMAEN, reads=False)
        super().__init__("SPI1", BASE)

    def _request(self, name: str, channel: int, flag: int, enable: int, *, reads: bool) -> Request:
        def up() -> bool:
            return bool(self.value["SR"] & flag and self.value["CR2"] & enable and self._clocked())

        request = Request(
            name,
            channel,
            _REQUEST,
            BASE + _DR,
            reads=reads,
            up=up,
            take=self.read_dr,
            give=lambda word: self.write_dr(word, _HALF),
        )
        self._dma.connect(request)
        return request

    def clocked(self) -> bool:
        """See `Peripheral`."""
        return self._clocked()

    def reset(self) -> None:
        """See `Peripheral`."""
        super().reset()
        self._transmit = 0  # the transmit buffer, which TXE says is empty or not
        self._cleared_by = 0  # DR was read after an overrun
        self._restart()
        self._chip.set_line(_INTERRUPT, level=False)

    def _restart(self) -> None:
        self.begun = False
        self._pulses = 0  # of it
        self._in = 0  # its bits that have arrived, the first one highest
        self._out = 0  # all that leave, likewise

    # The bus

    @property
    def mode(self) -> int:
        """CPOL and CPHA as modes are numbered."""
        return (self.value["CR1"] & CPHA) | (self.value["CR1"] & CPOL)

    @property
    def frame(self) -> int:
        """Bits of a frame."""
        return 16 if self.value["CR1"] & DFF else 8

    def listening(self) -> bool:
        """Whether the slave takes part in what happens on the bus."""
        cr1 = self.value["CR1"]
        return bool(self.clocked() and cr1 & SPE) and (not cr1 & SSI if cr1 & SSM else self._selected())

    def left(self) -> int:
        """Clock pulses until the frame that is arriving is complete."""
        return self.frame - self._pulses

    def begin(self) -> None:
        """The first clock edge of what may be a new frame: the shift register takes over the transmit buffer."""
        if not self.begun:
            self.begun = True
            self._out = self._ordered(self._transmit & ((1 << self.frame) - 1))
            self.value["SR"] |= TXE | BSY
            self._update()

    def _ordered(self, word: int) -> int:
        return _mirrored(word, self.frame) if self.value["CR1"] & LSBFIRST else word

    def clock(self, bit: int) -> int:
        """A clock pulse with a bit on MOSI; the bit on MISO."""
        self.begin()
        self._pulses += 1
        self._in = self._in << 1 | bit
        left = self.frame - self._pulses
        out = self._out >> left & 1
        if not left:
            self._complete(self._in)
        return out

    def exchange(self, word: int) -> int:
        """As many clock pulses as `frame`: the bits on MOSI, the first one highest; those on MISO."""
        self.begin()
        out = self._out
        self._complete(word)
        return out

    def _complete(self, word: int) -> None:
        """A frame has arrived."""
        word = self._ordered(word)
        if self.value["SR"] & RXNE:
            self.value["SR"] |= OVR  # the receive buffer keeps what it has
            self._cleared_by = 0
        else:
            self.value["DR"] = word
            self.value["SR"] |= RXNE
        self._restart()
        self.value["SR"] &= ~BSY
        self._update()

    def prefetched(self) -> bool:
        """Whether the DMA has filled the transmit buffer for the next frame."""
        return bool(self.value["CR2"] & TXDMAEN and not self.value["SR"] & TXE)

    def stretch(self) -> int:
        """How many whole bytes, one behind the other, can pass without anything but the DMA taking note."""
        if self.begun or self.value["CR1"] & (LSBFIRST | DFF) or self.value["CR2"] & (RXNEIE | TXEIE):
            return 0
        return min(self._sends(), self._receives_on())

    def _sends(self) -> int:
        """How many more the DMA fetches, or how often the last one is sent again as nothing has followed it."""
        if not self.value["SR"] & TXE:
            return self._dma.quiet(self._transmits) if self.value["CR2"] & TXDMAEN else 0
        return 0 if self._dma.serves(self._transmits) else _ENDLESS

    def _receives_on(self) -> int:
        """How many more the DMA takes, or how many are lost in an overrun."""
        flags = self.value["SR"] & (RXNE | OVR)
        if not flags:
            return self._dma.quiet(self._receives) if self.value["CR2"] & RXDMAEN else 0
        return _ENDLESS if flags == RXNE | OVR and not self._dma.serves(self._receives) else 0

    def exchange_all(self, data: bytes) -> bytes | None:
        """As `exchange` for each byte, `stretch` allowing so many; None, and nothing done, if not at once."""
        flags = self.value["SR"]
        source = None if flags & TXE else self._transmits
        fetched = self._dma.stream(source, None if flags & RXNE else self._receives, data)
        if fetched is None:
            return None
        ahead = bytes([self._transmit & 0xFF])
        if source is None:
            return ahead * len(data)
        self._transmit = fetched[-1]
        return ahead + fetched[:-1]

    # Registers

    def write_cr1(self, word: int, mask: int) -> None:
        """Modes; clearing SPE begins a frame anew."""
        old = self.value["CR1"]
        if old & SPE and (word ^ old) & mask & _FIXED:
            raise NotModelledError("changes the mode or the frame of SPI1_CR1 while SPE is set")
        self.store("CR1", word, mask)
        if self.value["CR1"] & SPE & ~old:
            self.enabled = self._chip.seconds()
        if not self.value["CR1"] & SPE:
            self._restart()
            self.value["SR"] &= ~BSY
        self._update()

    def write_cr2(self, word: int, mask: int) -> None:
        """Interrupts and requests."""
        self.store("CR2", word, mask)
        self._update()

    def read_dr(self) -> int:
        """The receive buffer; reading it clears RXNE, and is the first half of clearing OVR."""
        self.value["SR"] &= ~RXNE
        self._cleared_by = self.value["SR"] & OVR
        self._update()
        return self.value["DR"]

    def write_dr(self, word: int, mask: int) -> None:
        """The transmit buffer."""
        if not self.value["SR"] & TXE:
            self._chip.note("SPI1 DR", "SPI1_DR is written while TXE is clear: what it held is lost")
        self._transmit = word & mask & _HALF
        self.value["SR"] &= ~TXE
        self._update()

    def read_sr(self) -> int:
        """Flags; reading them is the second half of clearing OVR."""
        flags = self.value["SR"]
        self.value["SR"] &= ~self._cleared_by
        self._cleared_by = 0
        self._update()
        return flags

    def write_sr(self, _word: int, _mask: int) -> None:
        """Nothing but CRCERR can be cleared by a write, and it is never set."""

    def _update(self) -> None:
        flags, enabled = self.value["SR"], self.value["CR2"]
        pairs = ((RXNE, RXNEIE), (TXE, TXEIE), (OVR, ERRIE))
        self._chip.set_line(_INTERRUPT, level=any(flags & flag and enabled & enable for flag, enable in pairs))
        if enabled & (RXDMAEN | TXDMAEN):
            self._dma.serve()
