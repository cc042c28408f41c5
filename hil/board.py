"""Board descriptions: what a board *is*, read from YAML and validated before anything else runs.

A description never says where a board is plugged in (serial number, /dev/tty*): that is the rig's business.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PrivateAttr,
    ValidationInfo,
    field_validator,
)

from hil.backends import LISTED, known_backend
from hil.board_currents import Current, PeripheralCurrent
from hil.board_values import Strict, Text, Whole
from hil.errors import InputError
from hil.nearest import offer
from hil.resources import boards_dir, own_boards_dirs
from hil.yaml_file import load_yaml, place_of

DEFAULT_BOARD = "nucleo-l031"
"""What runs where no board is named."""


def _one_or_32(value: object) -> object:
    """Literal alone compares, and 'true' equals 1."""
    if type(value) is not int or value not in {1, 32}:
        raise ValueError("must be 1 or 32")
    return value


class WaitStates(Strict):
    """What a memory adds while the core's clock is not above a limit."""

    up_to_hz: Whole = Field(gt=0, le=10_000_000_000)
    """The fastest clock for which that holds."""
    cycles: Whole = Field(ge=0, le=15)
    """Cycles that each word of code adds."""


class Memory(Strict):
    """A contiguous memory."""

    origin: Whole = Field(ge=0, lt=2**32)
    """First address."""
    bytes: Whole = Field(gt=0, le=2**32)
    """Size in bytes."""
    page_bytes: Whole = Field(default=1, gt=0, le=2**32)
    """For flash: size of what is erased at a time, in bytes."""
    erased_byte: Whole = Field(default=0xFF, ge=0, le=0xFF)
    """For flash: what each byte reads as when it is erased."""
    fetch_wait_states: tuple[WaitStates, ...] = ()
    """Cycles that each word of code adds, by the core's clock, from the slowest on; none without a list."""
    data_wait_states: Whole = Field(default=0, ge=0, le=15)
    """Cycles at the board's clock that each load or store adds."""

    @field_validator("fetch_wait_states")
    @classmethod
    def _ascending(cls, steps: tuple[WaitStates, ...]) -> tuple[WaitStates, ...]:
        limits = [step.up_to_hz for step in steps]
        if limits != sorted(set(limits)):
            raise ValueError("must go from the slowest clock to the fastest, each once")
        return steps

    def fetch_waits(self, clock_hz: int) -> int:
        """Cycles that each word of code adds at a clock of the core, one that the description allows."""
        return next((step.cycles for step in self.fetch_wait_states if clock_hz <= step.up_to_hz), 0)


class MemoryMap(Strict):
    """The memories that firmware is linked for."""

    flash: Memory
    ram: Memory
    eeprom: Memory | None = None
    """What the firmware can write word by word and keeps without power."""


class Uart(Strict):
    """The serial link."""

    baud: Whole = Field(ge=0, le=100_000_000)
    """Baud rate in bit/s; 0 for a link without."""
    tx: str = ""
    """The DUT's transmitting pin, by its name in the data sheet."""
    rx: str = ""
    """The DUT's receiving pin, by its name in the data sheet."""


class Spi(Strict):
    """The link over SPI: the board is the slave. Pins by their names in the data sheet."""

    mode: Annotated[int, Field(strict=True, ge=0, le=3)] = 0
    """Which edges of SCK sample and shift, as modes are numbered: 2 CPOL + CPHA."""
    max_hz: Whole = Field(gt=0, le=100_000_000)
    """The fastest SCK that the chip takes, in Hz."""
    select_us: Annotated[float, Field(ge=0, le=1000, strict=True, allow_inf_nan=False)] = 0
    """How long chip select must be low before the first edge of SCK, in microseconds."""
    nss: Text
    """Chip select, low while a transaction lasts."""
    sck: Text
    miso: Text
    """The DUT sends on it."""
    mosi: Text
    """The DUT receives on it."""
    data_ready: str = ""
    """High while the DUT has something to send; without such a line it is asked again and again."""


class Links(Strict):
    """The links that reach the firmware on this board; firmware is built for one of them."""

    uart: Uart | None = None
    spi: Spi | None = None


class CoreTiming(Strict):
    """What decides cycles beside the core's name."""

    multiply_cycles: Annotated[Literal[1, 32], BeforeValidator(_one_or_32)]
    """What MULS takes: the choice of who made the part."""
    single_cycle_port: Memory | None = None
    """Where a Cortex-M0+ has its single-cycle I/O port."""


class OnChipCounter(Strict):
    """The chip's own counter of core cycles, as the port uses it."""

    name: Text
    """E.g. TIMER0, SysTick."""
    bits: Whole = Field(ge=16, le=32)
    """How many it has; it wraps."""
    tolerance: float = Field(ge=0, lt=1, strict=True, allow_inf_nan=False)
    """Share by which two runs on silicon may differ and still be called equal."""


class UsbIdentity(Strict):
    """A USB device by its numbers."""

    vid: Whole = Field(ge=0, le=0xFFFF)
    """Vendor."""
    pid: Whole = Field(ge=0, le=0xFFFF)
    """Product."""


class OnBoardProbe(Strict):
    """The debug probe that the board carries, which is its serial port as well. Never a serial number."""

    usb: tuple[UsbIdentity, ...] = Field(min_length=1)
    """What it may identify itself as: its firmware decides which."""
    board_ids: tuple[Text, ...] = ()
    """How its identity for the board begins (mbed board id), as pyOCD lists them."""


class ChipIdClock(Strict):
    """What has to be switched on so that the word can be read."""

    address: Whole = Field(ge=0, lt=2**32)
    """Of the register."""
    bits: Whole = Field(gt=0, lt=2**32)
    """The bits in it that are to be set."""


class ChipIds(Strict):
    """What the chip says of itself, read through the debug probe: another chip is found before it is written."""

    address: Whole = Field(ge=0, lt=2**32)
    """Of the word, a register of the chip or of its maker's memory."""
    mask: Whole = Field(default=0xFFFFFFFF, gt=0, lt=2**32)
    """The bits of the word that count."""
    values: tuple[Whole, ...] = Field(min_length=1)
    """What they may be."""
    clock: ChipIdClock | None = None
    """Where the word is in a peripheral with a clock of its own; it is as it was when the word has been read."""
    source: Text
    """Document and page or section."""


class EmulatorSpec(Strict):
    """An emulator that can stand in for the board."""

    backend: Annotated[str, AfterValidator(known_backend)]
    """Which one."""
    machine: str = ""
    """For QEMU: the name of its machine."""

    @property
    def counter_unusable(self) -> str:
        """Why the emulated on-chip counter counts no core cycles; empty where it does."""
        return LISTED[self.backend].counter_unusable


class Board(Strict):
    """A board: what it *is*, and never where it is plugged in. Addresses and sizes in bytes, clock in Hz."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    """What ``--board`` calls it: the file's name without .yaml."""
    title: Text
    """Its maker's name for it."""
    part: Text
    """Its microcontroller."""
    core: Literal["cortex-m0", "cortex-m0plus", "host"]
    """Its processor; ``host`` for a process of this computer."""
    clock_hz: Whole = Field(gt=0, le=10_000_000_000)
    """Clock of the core that the firmware sets up."""
    timing: CoreTiming | None = None
    counter: OnChipCounter | None = None
    port: Text
    """Folder in firmware/port that serves its microcontroller."""
    pyocd_target: Text | None = None
    """What pyOCD calls its microcontroller."""
    reset_pin: bool = True
    """Whether a probe can hold the core in reset while it debugs: not where nRESET is the SWDIO pin."""
    probe: OnBoardProbe | None = None
    chip_ids: ChipIds | None = None
    memory: MemoryMap
    image_slot: Memory
    """Flash set aside for one model image."""
    kernel_memory: Literal["flash", "ram"] = "flash"
    """Where the runtime's inner loops run from: in RAM they spare the flash's wait states, and take 400 bytes of it."""
    links: Links
    marker: str = ""
    """A free pin that the firmware can raise around steps, by its name in the data sheet."""
    supply_V: Annotated[float, Field(gt=0, le=100, strict=True)] | None = None  # noqa: N815 # the unit
    """Its microcontroller's supply where the board makes it, in volts."""
    currents: tuple[Current, ...] = ()
    """What it draws, by state."""
    peripheral_currents: tuple[PeripheralCurrent, ...] = ()
    """What its peripherals and oscillators add."""
    emulators: tuple[EmulatorSpec, ...] = ()
    """The first is taken where none is asked for."""
    run_on_silicon: bool = False
    """Whether the tests have passed on such a board; an emulated one does not count."""

    _file: Path | None = PrivateAttr(default=None)

    @field_validator("memory")
    @classmethod
    def _fast_enough(cls, memory: MemoryMap, info: ValidationInfo) -> MemoryMap:
        clock_hz = info.data.get("clock_hz")
        for name, each in (("flash", memory.flash), ("ram", memory.ram)):
            if clock_hz and each.fetch_wait_states and clock_hz > (limit := each.fetch_wait_states[-1].up_to_hz):
                raise ValueError(f"{name}.fetch_wait_states ends at {limit} Hz, and clock_hz is {clock_hz}")
        return memory

    @field_validator("image_slot")
    @classmethod
    def _in_flash(cls, slot: Memory, info: ValidationInfo) -> Memory:
        memory = info.data.get("memory")
        if memory is not None:
            flash: Memory = memory.flash
            if slot.origin < flash.origin or slot.origin + slot.bytes > flash.origin + flash.bytes:
                raise ValueError(f"is not within the flash, {flash.bytes} bytes from {flash.origin:#x} on")
        return slot

    def model_post_init(self, context: Any, /) -> None:
        """Remember the file that it came from."""
        self._file = (context or {}).get("file")

    @property
    def file(self) -> Path | None:
        """The file that describes it; None for one that was made otherwise."""
        return self._file

    def mistake(self, key: str, what: str, hint: str) -> InputError:
        """The error for a key that shows to be wrong beside something else, dotted as in ``links.uart.tx``."""
        if self._file is None:
            return InputError(f"board '{self.name}', key '{key}': {what}", hint=hint)
        keys = tuple(int(each) if each.isdecimal() else each for each in key.split("."))
        return InputError(f"{place_of(self._file, 'board file', keys)}: {what}", hint=hint)

    def emulator(self, backend: str) -> EmulatorSpec | None:
        """The emulator of this backend, or None."""
        return next((e for e in self.emulators if e.backend == backend), None)


def board_schema() -> dict[str, object]:
    """The JSON schema of a board's file, as it is published in ``boards/schema.json``."""
    schema = Board.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "hil board description"}


def load_board_file(path: Path) -> Board:
    """Read and validate one board description.

    Raises:
        InputError: naming the file, the line and the key.
    """
    return load_yaml(path, Board, "board file")


def board_names() -> list[str]:
    """Names of the boards that ship with hil, and of those in the folders of $HIL_BOARDS."""
    return sorted(_shelf())


def board_label(given: str) -> str:
    """Name of a board that was given by its name or by the path of its file."""
    return Path(given).stem if _is_path(given) else given


def load_instance(given: str) -> tuple[Board, str]:
    """A board by its file or name, and which of several of its kind: ``microbit.2`` is the second.

    Raises:
        InputError: as `load_board`.
    """
    if _is_path(given):
        return load_board(given), ""
    name, _, instance = given.partition(".")
    return load_board(name), instance


def load_board(given: str) -> Board:
    """A board by the path of its file (with a slash, or .yaml at its end), or by its name.

    A name is looked up in the folders of $HIL_BOARDS, in order, then among those that ship with hil.

    Raises:
        InputError: for an unknown name, offering the nearest one, or a file that says another name than its own.
    """
    if _is_path(given):
        path = Path(given)
    else:
        shelf = _shelf()
        if given not in shelf:
            known = offer(given, sorted(shelf), "boards")
            raise InputError(f"there is no board '{given}'", hint=f"{known} ('hil boards'); or give a YAML file")
        path = shelf[given]
    board = load_board_file(path)
    if board.name != path.stem:
        raise InputError(
            f"board file {path} describes board '{board.name}'",
            hint=f"name the file {board.name}.yaml, or the board so",
        )
    return board


def _is_path(given: str) -> bool:
    return "/" in given or given.endswith(".yaml")


def _shelf() -> dict[str, Path]:
    """The files of all boards that have a name to go by."""
    folders = [*own_boards_dirs(), boards_dir()]
    return {path.stem: path for folder in reversed(folders) for path in sorted(folder.glob("*.yaml"))}
