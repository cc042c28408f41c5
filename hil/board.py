"""Board descriptions: what a board *is*, read from YAML and validated before anything else runs.

A description never says where a board is plugged in (serial number, /dev/tty*): that is the rig's business.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from hil.backends import known_backend
from hil.errors import InputError
from hil.nearest import offer
from hil.resources import boards_dir, own_boards_dirs
from hil.yaml_file import load_yaml

Whole = Annotated[int, Field(strict=True)]  # no text, no 'true'


def _one_or_32(value: object) -> object:
    """Literal alone compares, and 'true' equals 1."""
    if type(value) is not int or value not in {1, 32}:
        raise ValueError("must be 1 or 32")
    return value


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Memory(_Strict):
    """A contiguous memory: first address, size in bytes, for flash its erase page in bytes, and its wait states.

    Wait states are cycles at the board's clock that each word of code (fetch), or each load or store (data), adds.
    """

    origin: Whole = Field(ge=0, lt=2**32)
    bytes: Whole = Field(gt=0, le=2**32)
    page_bytes: Whole = Field(default=1, gt=0, le=2**32)
    fetch_wait_states: Whole = Field(default=0, ge=0, le=15)
    data_wait_states: Whole = Field(default=0, ge=0, le=15)


class MemoryMap(_Strict):
    """The memories that firmware is linked for."""

    flash: Memory
    ram: Memory


class Uart(_Strict):
    """The serial link: baud rate in bit/s and the DUT's pins by their data-sheet names."""

    baud: Whole = Field(ge=0, le=100_000_000)
    tx: str = ""
    rx: str = ""


class Links(_Strict):
    """The links that reach the firmware on this board."""

    uart: Uart | None = None


class CoreTiming(_Strict):
    """What decides cycles beside the core's name: the multiplier, and where an M0+ has its single-cycle I/O port."""

    multiply_cycles: Annotated[Literal[1, 32], BeforeValidator(_one_or_32)]
    single_cycle_port: Memory | None = None


class OnChipCounter(_Strict):
    """The chip's own counter of core cycles, as the port uses it.

    ``tolerance`` is the share by which two runs on silicon may differ and still be called equal.
    """

    name: Annotated[str, Field(min_length=1)]
    bits: Whole = Field(ge=16, le=32)
    tolerance: float = Field(ge=0, lt=1, strict=True, allow_inf_nan=False)


class EmulatorSpec(_Strict):
    """An emulator that can stand in for the board: the backend and, for QEMU, its machine name.

    ``counter_unusable`` says why the emulated on-chip counter counts no core cycles; empty where it does.
    """

    backend: Annotated[str, AfterValidator(known_backend)]
    machine: str = ""
    counter_unusable: str = ""


class Board(_Strict):
    """One board: part, core, timing, memories, links and emulators. Addresses and sizes in bytes, clock in Hz.

    ``reset_pin`` is whether a probe can hold the core in reset while it debugs: not where nRESET is the SWDIO pin.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str
    part: str
    core: Literal["cortex-m0", "cortex-m0plus", "host"]
    clock_hz: Whole = Field(gt=0, le=10_000_000_000)
    timing: CoreTiming | None = None
    counter: OnChipCounter | None = None
    port: str
    pyocd_target: str | None = None
    reset_pin: bool = True
    memory: MemoryMap
    image_slot: Memory
    links: Links
    emulators: tuple[EmulatorSpec, ...] = ()

    def emulator(self, backend: str) -> EmulatorSpec | None:
        """The emulator of this backend, or None."""
        return next((e for e in self.emulators if e.backend == backend), None)


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
