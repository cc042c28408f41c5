"""What goes into a build of a board's firmware: sources, the board's facts, the compiler; and the key over them all."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hil.build_tool import ask
from hil.errors import BuildError
from hil.resources import firmware_dir
from hil.sources import firmware_sources

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hil.board import Board

_FORMAT: Final = "3"  # of the cache; raise it when an artefact gets other contents


@dataclass(frozen=True)
class Toolchain:
    """A C compiler and its tools, by what they are called, and Debian's packages of them, for the hint.

    Attributes:
        tools: what the names of size and objdump begin with.
    """

    compiler: str
    package: str
    tools: str
    tools_package: str


ARM: Final = Toolchain("arm-none-eabi-gcc", "gcc-arm-none-eabi", "arm-none-eabi-", "binutils-arm-none-eabi")
NATIVE: Final = Toolchain("gcc", "gcc", "", "binutils")


@dataclass(frozen=True)
class BuildPlan:
    """Everything that decides what a build gives.

    Attributes:
        root: folder of the sources, laid out as firmware/.
        board: whose facts go in.
        native: for this computer.
        compiler: name and version.
        facts: CMake's variables.
        key: the build id, 16 hexadecimal digits over all that.
    """

    root: Path
    board: Board
    native: bool
    compiler: str
    facts: Mapping[str, str]
    key: str

    @property
    def toolchain(self) -> Toolchain:
        """What builds it."""
        return NATIVE if self.native else ARM


def plan_build(
    board: Board,
    *,
    link: str = "uart",
    defines: Mapping[str, str] | None = None,
    firmware_root: Path | None = None,
) -> BuildPlan:
    """What decides the firmware for a board, its arguments those of `hil.build.build`.

    Raises:
        BuildError: there is no compiler, the board has no such link, or the sources cannot be read.
    """
    root = (firmware_root or firmware_dir()).resolve()
    native = board.core == "host"
    compiler = _compiler(NATIVE if native else ARM)
    facts = _facts(board, defines or {}) | _link_facts(board, link)
    return BuildPlan(root, board, native, compiler, facts, _key(root, board, facts, compiler))


def _compiler(toolchain: Toolchain) -> str:
    """Name and version of the C compiler."""
    name = toolchain.compiler
    answer = ask(f"the C compiler {name}", name, toolchain.package, "--version")
    version = re.search(r"\d+\.\d+\S*", answer.partition("\n")[0].split(")")[-1])
    return f"{name} {version.group() if version else 'of unknown version'}"


def _facts(board: Board, defines: Mapping[str, str]) -> dict[str, str]:
    """CMake variables that say what the board is (firmware/CMakeLists.txt)."""
    uart = board.links.uart
    memory = board.memory
    return {
        "HIL_BOARD": board.name,
        "HIL_PORT": board.port,
        "HIL_CPU": board.core,
        "HIL_CLOCK_HZ": str(board.clock_hz),
        "HIL_FETCH_WAIT_STATES": str(memory.flash.fetch_waits(board.clock_hz)),
        "HIL_FLASH_ORIGIN": f"0x{memory.flash.origin:08x}",
        "HIL_SLOT_ORIGIN": f"0x{board.image_slot.origin:08x}",
        "HIL_SLOT_BYTES": f"0x{board.image_slot.bytes:08x}",
        "HIL_RAM_ORIGIN": f"0x{memory.ram.origin:08x}",
        "HIL_RAM_BYTES": f"0x{memory.ram.bytes:08x}",
        "HIL_EEPROM_ORIGIN": f"0x{memory.eeprom.origin if memory.eeprom else 0:08x}",
        "HIL_EEPROM_BYTES": f"0x{memory.eeprom.bytes if memory.eeprom else 0:08x}",
        "HIL_MARKER": board.marker,
        "HIL_KERNEL_MEMORY": board.kernel_memory,
        "HIL_UART_BAUD": str(uart.baud if uart else 0),
        "HIL_UART_TX": uart.tx if uart else "",
        "HIL_UART_RX": uart.rx if uart else "",
        "HIL_DEFINES": ";".join(f"{name}={value}" for name, value in sorted(defines.items())),
    }


def _link_facts(board: Board, link: str) -> dict[str, str]:
    """CMake variables of the link that is built in."""
    spi = board.links.spi
    if link == "uart":
        return {"HIL_LINK": link}
    if link == "none":
        if board.memory.eeprom is None:
            raise BuildError(
                f"the firmware that runs by itself keeps checkpoints, and board '{board.name}' has no memory for them",
                hint="key 'memory.eeprom' of the board's file names one",
            )
        return {"HIL_LINK": link}
    if link != "spi" or spi is None:
        raise BuildError(f"the firmware of board '{board.name}' cannot have a link over '{link}'")
    return {
        "HIL_LINK": "spi",
        "HIL_SPI_MODE": str(spi.mode),
        "HIL_SPI_NSS": spi.nss,
        "HIL_SPI_SCK": spi.sck,
        "HIL_SPI_MISO": spi.miso,
        "HIL_SPI_MOSI": spi.mosi,
        "HIL_SPI_DATA_READY": spi.data_ready,
    }


def _key(root: Path, board: Board, facts: Mapping[str, str], compiler: str) -> str:
    digest = hashlib.sha256(json.dumps([_FORMAT, compiler, sorted(facts.items())]).encode())
    try:
        for path in firmware_sources(root, board.port):
            content = path.read_bytes()
            digest.update(f"\0{path.relative_to(root).as_posix()}\0{len(content)}\0".encode() + content)
    except OSError as error:
        raise BuildError(f"the firmware's sources in {root} cannot be read", cause=str(error)) from error
    return digest.hexdigest()[:16]
