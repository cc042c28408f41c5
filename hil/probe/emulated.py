"""The probe of an emulated board, as pyOCD sees it.

pyOCD's command line finds it by uid: ``-u emulated:microbit``. It then uses the board that ``hil emulate`` keeps
powered, or powers one for that command. Whoever already powered a board makes the probe from it.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

# pyOCD has annotations but no py.typed: to mypy it is untyped, and subclassing what it offers is an error of its own.
from pyocd.board.board import Board as PyocdBoard  # type: ignore[import-untyped]
from pyocd.board.board_ids import BoardInfo  # type: ignore[import-untyped]
from pyocd.core import exceptions  # type: ignore[import-untyped]
from pyocd.core.memory_interface import MemoryInterface  # type: ignore[import-untyped]
from pyocd.probe.debug_probe import DebugProbe  # type: ignore[import-untyped]

from hil.emulator import registry
from hil.emulator.machine import ENDED_HINT, CoreState, EmulatorEndedError, MachineError, MemoryFault
from hil.emulator.power import PROBE_PREFIX, PoweredBoard, power_or_connect, usual_backend
from hil.errors import HilError, RigError
from hil.probe.adi import DebugInterface
from hil.probe.coresight import ROM_TABLE, TargetBus
from hil.probe.own import PATIENT, OwnProbe
from hil.probe.targets import find_target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from hil.board import Board
    from hil.emulator.machine import Status

LOG = logging.getLogger(f"pyocd.{__name__}")
"""Among pyOCD's own, so that its options for what is shown hold here as well."""

_OPTIONS: Final[Mapping[str, Any]] = {**PATIENT, "reset.hold_time": 0.0, "reset.post_delay": 0.0}
"""There is no capacitor on its reset line."""


def emulated_boards() -> dict[str, Board]:
    """The shipped boards that can be powered as emulated ones, by name."""
    # Reading the descriptions takes 0.15 s, which only a command that names an emulated board should pay.
    from hil.board import board_names, load_board  # noqa: PLC0415 - see above

    boards = (load_board(name) for name in board_names())
    return {board.name: board for board in boards if usual_backend(board)}


def _kept_powered(name: str) -> Board | None:
    """The board of a name that ``hil emulate`` keeps powered; None where its file can be read no more."""
    from hil.board import load_board, load_board_file  # noqa: PLC0415 - as above

    with suppress(HilError):
        file = registry.description_of(name)
        return load_board(name.partition(".")[0]) if file is None else load_board_file(file)
    return None


@contextmanager
def _as_pyocd_errors() -> Iterator[None]:
    """What hil says, as pyOCD's own errors, which it prints and handles."""
    try:
        yield
    except MemoryFault as error:
        raise exceptions.TransferFaultError(fault_address=error.address) from error
    except HilError as error:
        raise exceptions.ProbeError(str(error)) from error


class _AcceleratedMemory(MemoryInterface):  # type: ignore[misc]
    """Whole blocks in one go, instead of word by word through the access port's registers."""

    def __init__(self, bus: TargetBus) -> None:
        self._bus = bus

    def read_memory(self, addr: int, transfer_size: int = 32, now: bool = True, **_: Any) -> int | Callable[[], int]:
        with _as_pyocd_errors():
            value = int.from_bytes(self._bus.read(addr, transfer_size // 8), "little")
        return value if now else lambda: value

    def write_memory(self, addr: int, data: int, transfer_size: int = 32, **_: Any) -> None:
        with _as_pyocd_errors():
            self._bus.write(addr, data.to_bytes(transfer_size // 8, "little"))

    def read_memory_block8(self, addr: int, size: int, **_: Any) -> list[int]:
        with _as_pyocd_errors():
            return list(self._bus.read(addr, size))

    def write_memory_block8(self, addr: int, data: Sequence[int], **_: Any) -> None:
        with _as_pyocd_errors():
            self._bus.write(addr, bytes(data))

    def read_memory_block32(self, addr: int, size: int, **_: Any) -> list[int]:
        with _as_pyocd_errors():
            data = self._bus.read(addr, 4 * size)
        return [int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data), 4)]

    def write_memory_block32(self, addr: int, data: Sequence[int], **_: Any) -> None:
        with _as_pyocd_errors():
            self._bus.write(addr, b"".join(word.to_bytes(4, "little") for word in data))


class EmulatedProbe(OwnProbe, DebugProbe):  # type: ignore[misc]
    """A debug probe whose target is emulated.

    Args:
        board: the board to power, or to connect to, when the probe is opened.
        instance: which of the boards of this kind, see `hil.emulator.power.power`.
        powered: a board that the caller powered and will close; the probe then only uses it.
    """

    session_options = _OPTIONS

    def __init__(self, board: Board, instance: str = "", powered: PoweredBoard | None = None) -> None:
        super().__init__()
        self._board = board
        self._instance = instance
        self._given = powered
        self._powered: PoweredBoard | None = None
        self._protocol: DebugProbe.Protocol | None = None
        self._told: set[str] = set()
        self._bus: TargetBus | None = None
        self._interface: DebugInterface | None = None

    @classmethod
    def of(cls, powered: PoweredBoard) -> EmulatedProbe:
        """The probe of a board that this process has powered."""
        return cls(powered.board, powered.name.partition(".")[2], powered)

    @classmethod
    def get_all_connected_probes(
        cls, unique_id: str | None = None, is_explicit: bool = False
    ) -> Sequence[EmulatedProbe]:
        """The boards that ``hil emulate`` keeps powered. A uid that names this kind of probe must name a board."""
        if is_explicit and unique_id:
            known = ", ".join(emulated_boards())
            raise exceptions.ProbeError(f"there is no emulated board '{unique_id}'; known are: {known}")
        found = ((name, _kept_powered(name)) for name in registry.powered())
        return [cls(board, name.partition(".")[2]) for name, board in found if board is not None]

    @classmethod
    def get_probe_with_id(cls, unique_id: str, is_explicit: bool = False) -> EmulatedProbe | None:
        """The probe of the board named; only a uid that names this kind of probe may power one."""
        name, _, instance = unique_id.partition(".")
        if unique_id in registry.powered():
            board = _kept_powered(unique_id)
        else:
            board = emulated_boards().get(name) if is_explicit else None
        return cls(board, instance) if board else None

    @property
    def unique_id(self) -> str:
        """What ``-u`` takes."""
        return f"{PROBE_PREFIX}{self._board.name}{'.' if self._instance else ''}{self._instance}"

    @property
    def vendor_name(self) -> str:
        """Part of the description."""
        return "hil"

    @property
    def product_name(self) -> str:
        """Part of the description."""
        return f"emulated {self._board.title}"

    @property
    def supported_wire_protocols(self) -> set[DebugProbe.Protocol]:
        """Whatever is asked for: there is no wire."""
        return {DebugProbe.Protocol.DEFAULT, DebugProbe.Protocol.SWD}

    @property
    def wire_protocol(self) -> DebugProbe.Protocol | None:
        """SWD while connected."""
        return self._protocol

    @property
    def capabilities(self) -> set[DebugProbe.Capability]:
        """The access port is part of every address, so nothing need be selected."""
        return {DebugProbe.Capability.MANAGED_AP_SELECTION}

    @property
    def associated_board_info(self) -> BoardInfo:
        """Name and pyOCD target of the board, so that ``-t`` can be left out."""
        return BoardInfo(name=self._board.name, target=self._board.pyocd_target, vendor=self._board.title)

    def create_associated_board(self) -> PyocdBoard:
        """The board of a session, with this target unless another is asked for."""
        find_target(self._board.pyocd_target or "")
        return PyocdBoard(self.session, board_info=self.associated_board_info)

    @property
    def behind(self) -> str:
        """See `OwnProbe`: it is the probe itself."""
        return self.unique_id

    def stopped_by(self) -> str:
        """What stopped the core, as far as the emulator knows it, in words; empty where it does not."""
        with _as_pyocd_errors():
            return self._powered.machine.status().detail if self._powered else ""

    def noticed(self) -> tuple[str, ...]:
        """What the emulator has noticed of the firmware, see `Status`."""
        with _as_pyocd_errors():
            return self._powered.machine.status().noticed if self._powered else ()

    @property
    def is_open(self) -> bool:
        """Whether the board is held."""
        return self._interface is not None

    def open(self) -> None:
        """Take the board, powering it if nobody has."""
        with _as_pyocd_errors():
            self._powered = self._given or power_or_connect(self._board, instance=self._instance)
        self._told.clear()
        self._bus = TargetBus(self._powered.machine, self._tell)
        self._interface = DebugInterface(self._bus, ROM_TABLE)

    def close(self) -> None:
        """Let the board go; one powered by `open` loses its power, and keeps its flash."""
        if self._powered is not None:
            with suppress(MachineError):
                self._tell(self._powered.machine.status())  # of a command that only started the firmware
            if self._powered is not self._given:
                self._powered.close()
        self._powered = self._bus = self._interface = None

    def _tell(self, status: Status) -> None:
        """Log what stopped the firmware, and what was noticed of it: each sentence once in a session."""
        if self._powered is None:
            return
        found = [(logging.WARNING, f"noticed: {sentence}") for sentence in status.noticed]
        if why := self._powered.why_stopped(status):
            found.append((logging.ERROR, f"stopped: {why}"))
        for level, sentence in found:
            if sentence not in self._told:
                self._told.add(sentence)
                LOG.log(level, "%s %s", self.unique_id, sentence)

    def check_power(self) -> None:
        """Raise EmulatorEndedError if the board has lost its power."""
        if self._powered is None:
            return
        try:
            status = self._powered.machine.status()
        except MachineError as error:
            raise EmulatorEndedError(self._ended, cause=error.cause or error.message, hint=error.hint) from error
        if status.state is CoreState.OFF:
            raise EmulatorEndedError(self._ended, cause=status.detail, hint=ENDED_HINT)

    @property
    def _ended(self) -> str:
        return f"the emulator of board '{self._board.name}' has ended in the middle of the session"

    def connect(self, protocol: DebugProbe.Protocol | None = None) -> None:
        """Nothing has to be set up on a wire; the default is SWD."""
        default = protocol in (None, DebugProbe.Protocol.DEFAULT)
        self._protocol = DebugProbe.Protocol.SWD if default else protocol

    def disconnect(self) -> None:
        """See `connect`."""
        self._protocol = None

    def set_clock(self, frequency: float) -> None:
        """There is no clock: as fast as the emulator can."""

    def reset(self) -> None:
        """Reset the chip, as a pulse on the reset pin or the probe's own sequence on SWDIO does."""
        with _as_pyocd_errors():
            self._target.core.reset()

    def assert_reset(self, asserted: bool) -> None:
        """Hold the reset pin, or let it go; refused where the board has none that can be held."""
        with _as_pyocd_errors():
            if asserted and not self._board.reset_pin:
                raise RigError(
                    f"emulated board '{self._board.name}' has no reset pin of its own: SWDIO and nRESET are one pin",
                    hint="connect with 'halt' or 'attach', and reset through the core",
                )
            self._target.core.hold_reset(asserted=asserted)

    def is_reset_asserted(self) -> bool:
        """Whether the reset pin is held."""
        return self._target.core.in_reset

    def read_dp(self, addr: int, now: bool = True) -> int | Callable[[], int]:
        """Read a debug port register."""
        value = self._registers.read_dp(addr)
        return value if now else lambda: value

    def write_dp(self, addr: int, data: int) -> None:
        """Write a debug port register."""
        self._registers.write_dp(addr, data)

    def read_ap(self, addr: int, now: bool = True) -> int | Callable[[], int]:
        """Read an access port register."""
        with _as_pyocd_errors():
            value = self._registers.read_ap(addr)
        return value if now else lambda: value

    def write_ap(self, addr: int, data: int) -> None:
        """Write an access port register."""
        with _as_pyocd_errors():
            self._registers.write_ap(addr, data)

    def read_ap_multiple(
        self, addr: int, count: int = 1, now: bool = True
    ) -> Sequence[int] | Callable[[], Sequence[int]]:
        """Read an access port register several times."""
        with _as_pyocd_errors():
            values = [self._registers.read_ap(addr) for _ in range(count)]
        return values if now else lambda: values

    def write_ap_multiple(self, addr: int, values: Sequence[int]) -> None:
        """Write several values to an access port register."""
        with _as_pyocd_errors():
            for value in values:
                self._registers.write_ap(addr, value)

    def get_memory_interface_for_ap(self, ap_address: Any) -> _AcceleratedMemory | None:
        """The fast way to memory, for the one access port there is."""
        return _AcceleratedMemory(self._target) if ap_address.nominal_address == 0 else None

    @property
    def _target(self) -> TargetBus:
        if self._bus is None:
            raise exceptions.ProbeDisconnected(f"probe {self.unique_id} is not open")
        return self._bus

    @property
    def _registers(self) -> DebugInterface:
        if self._interface is None:
            raise exceptions.ProbeDisconnected(f"probe {self.unique_id} is not open")
        return self._interface
