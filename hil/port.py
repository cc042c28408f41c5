"""What a port of the firmware serves, from its ``port.yaml``, and a board held against it before anything is built.

A port without that file, say one of the user's own, is accepted as it is: its CMake file and its C code have the say.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from hil.board import WaitStates
from hil.nearest import offer
from hil.yaml_file import load_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from hil.board import Board, Uart
    from hil.errors import InputError

_FILE = "port.yaml"
_RANGE = re.compile(r"(.*\D)(\d+)\.\.\1(\d+)")  # PA0..PA15, P0.0..P0.31
_USUAL_BAUDS = (9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600, 1000000)


def _pins(given: tuple[str, ...]) -> tuple[str, ...]:
    for each in given:
        if ".." in each and not _RANGE.fullmatch(each):
            raise ValueError(f"'{each}' is no range of pins as in PA0..PA15")
    return given


Pins = Annotated[tuple[str, ...], AfterValidator(_pins)]
"""Names as in the data sheet, and ranges of them: ``PA0..PA12``."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Bauds(_Strict):
    """The baud rates that the port can make: from one to another, or by what divides the core's clock."""

    least: int = Field(default=1, gt=0)
    """In bit/s."""
    most: int | None = Field(default=None, gt=0)
    """In bit/s."""
    least_divider: int | None = Field(default=None, gt=0)
    """Of the core's clock, which gives the baud rate; None where it is made otherwise."""
    most_divider: int | None = Field(default=None, gt=0)
    """Of the core's clock."""
    divider_step: float = Field(default=1, gt=0)
    """What it is a multiple of; below 1 where fractions of the clock's periods make a bit."""
    max_error: float = Field(default=0.015, gt=0, lt=0.05)
    """Share by which a baud rate may be off."""

    def mistake(self, baud: int, clock_hz: int) -> str:
        """What is wrong with a baud rate, in words; empty where nothing is."""
        if baud == 0:
            return "a link over a UART needs a baud rate"
        if not self.least <= baud <= (self.most or baud):
            return f"{baud} baud is not from {self.least} to {self.most or 'any'}"
        if self.least_divider is None:
            return ""
        step = self.divider_step
        divider = (clock_hz + baud * step / 2) // (baud * step) * step
        most = self.most_divider or divider
        if not self.least_divider <= divider <= most:
            words = f"a divider of {divider:.12g}, not from {self.least_divider} to {most:.12g}"
            return f"{clock_hz} Hz over {baud} baud is {words}"
        made = clock_hz / divider
        if abs(made / baud - 1) > self.max_error:
            off = f"{abs(made / baud - 1):.1%} off {baud}, and {self.max_error:.1%} are allowed"
            return f"a clock of {clock_hz} Hz makes {made:.0f} baud of it, {off}"
        return ""


class PortUart(_Strict):
    """The port's serial link."""

    tx: Pins
    """Pins that it can transmit on."""
    rx: Pins
    """Pins that it can receive on."""
    baud: Bauds = Bauds()


class PortSpi(_Strict):
    """The port's SPI slave."""

    nss: Pins
    """Pins that select it."""
    sck: Pins
    miso: Pins
    mosi: Pins
    data_ready: Pins
    """Pins that it can say on that it has something to send."""
    most_hz: int | None = Field(default=None, gt=0)
    """The fastest SCK of its parts."""
    least_divider: int = Field(default=1, gt=0)
    """Of the core's clock, which gives the fastest SCK at that clock."""

    def limit_hz(self, clock_hz: int) -> int:
        """The fastest SCK at a clock of the core."""
        return min(self.most_hz or clock_hz, clock_hz // self.least_divider)


class PortFlash(_Strict):
    """The flash of the port's parts."""

    page_bytes: int | None = Field(default=None, gt=0)
    """What is erased at a time; None where that differs from part to part."""
    erased_byte: int = Field(ge=0, le=0xFF)
    """What each byte reads as when it is erased."""
    fetch_wait_states: tuple[WaitStates, ...] = ()
    """What it adds to each word of code by the core's clock, as the port sets it; empty where no such list says it."""


class PortCounter(_Strict):
    """What the port counts the core's cycles with."""

    name: str
    """E.g. TIMER0, SysTick."""
    bits: int = Field(gt=0)
    """How many it has."""


class AddressRange(_Strict):
    """Addresses that lie end to end."""

    origin: int = Field(ge=0, lt=2**32)
    """The first."""
    bytes: int = Field(gt=0, le=2**32)
    """How many."""


class Port(_Strict):
    """What a port serves; a key that is left out allows anything."""

    parts: tuple[str, ...] | None = None
    """How the names of the parts begin that it is for."""
    core: str | None = None
    """The core of its parts."""
    clock_hz: tuple[int, ...] | None = None
    """The clocks of the core that it sets up."""
    uart: PortUart | None = None
    spi: PortSpi | None = None
    marker: Pins | None = None
    """Pins that it can raise around steps; an empty list for a port that raises none."""
    packages: dict[str, Pins] = {}
    """The pins that there are, by how a part's name begins; a part that is not among them may have any."""
    flash: PortFlash | None = None
    multiply_cycles: int | None = None
    """What MULS takes on its parts."""
    single_cycle_port: AddressRange | None = None
    """The single-cycle I/O port of its parts."""
    counter: PortCounter | None = None
    tick_most_ms: int | None = Field(default=None, ge=0, lt=2**32)
    """The longest period, in ms, of the timer that wakes a stopped core up tick by tick; 0 where it has none."""


def load_port(board: Board, firmware_root: Path) -> Port | None:
    """What the port of a board serves; None where it has no such file.

    Args:
        board: the board.
        firmware_root: folder of sources, laid out as firmware/.

    Raises:
        InputError: the port's file has a mistake.
    """
    path = firmware_root / "port" / board.port / _FILE
    return load_yaml(path, Port, "port file") if path.exists() else None


def check_port(board: Board, firmware_root: Path) -> None:
    """Hold a board against its port.

    Args:
        board: the board.
        firmware_root: folder of sources, laid out as firmware/.

    Raises:
        InputError: there is no such port, or it does not serve what the board says: with the file, line and key.
    """
    ports = firmware_root / "port"
    known = sorted(path.parent.name for path in ports.glob("*/port.cmake"))
    if board.port not in known:
        raise board.mistake("port", f"there is no folder {board.port} in {ports}", offer(board.port, known, "ports"))
    port = load_port(board, firmware_root)
    mistake = None if port is None else next(_mistakes(board, port), None)
    if mistake is not None:
        raise mistake


def _mistakes(board: Board, port: Port) -> Iterator[InputError]:
    serves = f"port '{board.port}'"
    if port.parts is not None and not board.part.casefold().startswith(tuple(map(str.casefold, port.parts))):
        parts = " or ".join(f"{each}…" for each in port.parts)
        hint = "name the part as its data sheet does, or another port"
        yield board.mistake("part", f"{serves} is for parts {parts}, not {board.part}", hint)
    if port.core is not None and board.core != port.core:
        yield board.mistake("core", f"{serves} is for a {port.core}, not {board.core}", f"write core: {port.core}")
    if port.clock_hz is not None and board.clock_hz not in port.clock_hz:
        clocks = " or ".join(map(str, port.clock_hz))
        yield board.mistake("clock_hz", f"{serves} cannot set up {board.clock_hz} Hz", f"write clock_hz: {clocks}")
    if port.uart is not None:
        yield from _uart_mistakes(board, port.uart)
    yield from _spi_mistakes(board, port)
    if port.marker is not None and board.marker:
        yield from _marker_mistakes(board, port.marker)
        yield from _package_mistakes(board, "marker", board.marker, port.packages)
    if port.flash is not None:
        yield from _flash_mistakes(board, port.flash)
    yield from _timing_mistakes(board, port)
    if port.counter is not None:
        yield from _counter_mistakes(board, port.counter)


def _flash_mistakes(board: Board, port: PortFlash) -> Iterator[InputError]:
    flash, serves = board.memory.flash, f"port '{board.port}'"
    if flash.erased_byte != port.erased_byte:
        yield board.mistake(
            "memory.flash.erased_byte",
            f"erased flash of the parts of {serves} reads {port.erased_byte:#04x}, not {flash.erased_byte:#04x}",
            f"write erased_byte: {port.erased_byte:#04x}",
        )
    if port.page_bytes is not None and flash.page_bytes != port.page_bytes:
        yield board.mistake(
            "memory.flash.page_bytes",
            f"the parts of {serves} erase {port.page_bytes:#x} bytes at a time, not {flash.page_bytes:#x}",
            f"write page_bytes: {port.page_bytes:#x}",
        )
    listed = flash.fetch_wait_states
    for step in port.fetch_wait_states:
        clock_hz = step.up_to_hz
        # A list that ends below says nothing of this clock, and none at all nothing but of the board's own.
        told = clock_hz <= listed[-1].up_to_hz if listed else clock_hz == board.clock_hz
        if told and (waits := flash.fetch_waits(clock_hz)) != step.cycles:
            steps = ", ".join(
                f"{{up_to_hz: {each.up_to_hz}, cycles: {each.cycles}}}" for each in port.fetch_wait_states
            )
            yield board.mistake(
                "memory.flash.fetch_wait_states",
                f"{serves} sets {step.cycles}, not {waits} wait states at {clock_hz} Hz",
                f"write fetch_wait_states: [{steps}]",
            )


def _timing_mistakes(board: Board, port: Port) -> Iterator[InputError]:
    timing, parts = board.timing, f"the parts of port '{board.port}'"
    if timing is None:
        return
    if port.multiply_cycles is not None and timing.multiply_cycles != port.multiply_cycles:
        yield board.mistake(
            "timing.multiply_cycles",
            f"on {parts} MULS takes {port.multiply_cycles}, not {timing.multiply_cycles} cycles",
            f"write multiply_cycles: {port.multiply_cycles}",
        )
    wanted, given = port.single_cycle_port, timing.single_cycle_port
    if wanted is None:
        return
    hint = f"write single_cycle_port: {{origin: {wanted.origin:#010x}, bytes: {wanted.bytes:#x}}}"
    has = f"{parts} have {wanted.bytes:#x} bytes from {wanted.origin:#010x} on"
    if given is None:
        yield board.mistake("timing.single_cycle_port", f"missing, and {has}", hint)
    elif given.origin != wanted.origin:
        yield board.mistake("timing.single_cycle_port.origin", f"{has}, not from {given.origin:#010x}", hint)
    elif given.bytes != wanted.bytes:
        yield board.mistake("timing.single_cycle_port.bytes", f"{has}, not {given.bytes:#x}", hint)


def _counter_mistakes(board: Board, port: PortCounter) -> Iterator[InputError]:
    counter = board.counter
    if counter is None:
        return
    serves = f"port '{board.port}' counts with {port.name}"
    if counter.name != port.name:
        yield board.mistake("counter.name", f"{serves}, not {counter.name}", f"write name: {port.name}")
    if counter.bits != port.bits:
        yield board.mistake(
            "counter.bits", f"{serves}, which has {port.bits} bits, not {counter.bits}", f"write bits: {port.bits}"
        )


def _uart_mistakes(board: Board, port: PortUart) -> Iterator[InputError]:
    uart = board.links.uart
    if uart is None:
        yield board.mistake("links.uart", f"missing, and port '{board.port}' talks over it", "give it baud, tx and rx")
        return
    for line, pin, pins in (("tx", uart.tx, port.tx), ("rx", uart.rx, port.rx)):
        if pin not in each_pin(pins):
            does = "transmit" if line == "tx" else "receive"
            yield _pin_mistake(board, f"links.uart.{line}", pin, pins, f"{does} on")
    if uart.tx == uart.rx:
        yield board.mistake("links.uart.rx", f"'{uart.rx}' is tx already", "name the pin that receives")
    if what := port.baud.mistake(uart.baud, board.clock_hz):
        yield board.mistake("links.uart.baud", what, _other_bauds(board, uart, port.baud))


def _spi_mistakes(board: Board, port: Port) -> Iterator[InputError]:
    spi, serves = board.links.spi, port.spi
    if spi is None:
        return
    if serves is None:
        yield board.mistake("links.spi", f"port '{board.port}' has no link over SPI", "leave the key out")
        return
    uart = board.links.uart
    taken = {pin: f"links.uart.{name}" for name, pin in (("tx", uart.tx), ("rx", uart.rx))} if uart else {}
    taken[board.marker] = "marker"
    for line, pin, pins, does in (
        ("nss", spi.nss, serves.nss, "be selected by"),
        ("sck", spi.sck, serves.sck, "be clocked on"),
        ("miso", spi.miso, serves.miso, "send over SPI on"),
        ("mosi", spi.mosi, serves.mosi, "receive over SPI on"),
        ("data_ready", spi.data_ready, serves.data_ready, "say that it is ready on"),
    ):
        key = f"links.spi.{line}"
        if line == "data_ready" and not pin:
            continue
        if pin not in each_pin(pins):
            yield _pin_mistake(board, key, pin, pins, does)
        elif pin in taken:
            yield board.mistake(key, f"'{pin}' is {taken[pin]} already", "name a free pin")
        else:
            yield from _package_mistakes(board, key, pin, port.packages)
        taken[pin] = key
    limit = serves.limit_hz(board.clock_hz)
    if spi.max_hz > limit:
        what = f"at {board.clock_hz} Hz the parts of port '{board.port}' take an SCK of {limit} Hz at most"
        yield board.mistake("links.spi.max_hz", f"{what}, not {spi.max_hz}", f"write max_hz: {limit}")


def _other_bauds(board: Board, uart: Uart, bauds: Bauds) -> str:
    fit = [baud for baud in _USUAL_BAUDS if not bauds.mistake(baud, board.clock_hz)]
    best = min(fit, key=lambda baud: abs(baud - uart.baud), default=0)
    return f"write baud: {best}; these fit: {', '.join(map(str, fit))}" if fit else "none of the usual rates fits"


def _marker_mistakes(board: Board, pins: tuple[str, ...]) -> Iterator[InputError]:
    uart = board.links.uart
    if not pins:
        yield board.mistake("marker", f"port '{board.port}' raises no marker", "leave the key out")
    elif board.marker not in each_pin(pins):
        yield _pin_mistake(board, "marker", board.marker, pins, "raise a marker on")
    elif uart is not None and board.marker in {uart.tx, uart.rx}:
        yield board.mistake("marker", f"the link needs '{board.marker}'", "name a free pin, or leave the key out")


def _package_mistakes(board: Board, key: str, pin: str, packages: dict[str, Pins]) -> Iterator[InputError]:
    """Of several names that the part's begins with, the longest is the nearest."""
    fitting = [name for name in packages if board.part.casefold().startswith(name.casefold())]
    pins = packages[max(fitting, key=len)] if fitting else ()
    if fitting and pin not in each_pin(pins):
        yield board.mistake(key, f"the {board.part} has no pin '{pin}'", f"its pins: {', '.join(pins)}")


def _pin_mistake(board: Board, key: str, pin: str, pins: tuple[str, ...], does: str) -> InputError:
    meant = next((each for each in each_pin(pins) if each.casefold() == pin.casefold()), None)
    question = f"did you mean '{meant}'? " if meant else ""
    what = f"port '{board.port}' cannot {does} '{pin}'" if pin else f"names no pin to {does}"
    return board.mistake(key, what, f"{question}pins that can: {', '.join(pins)}")


def each_pin(pins: Iterable[str]) -> Iterator[str]:
    """The pins, one by one."""
    for given in pins:
        span = _RANGE.fullmatch(given)
        if span is None:
            yield given
        else:
            yield from (f"{span[1]}{number}" for number in range(int(span[2]), int(span[3]) + 1))
