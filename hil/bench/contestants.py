"""Who takes part in `hil bench`, and the firmware with each of them in the runtime's place."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hil.bench.network_header import network_header
from hil.errors import BuildError
from hil.resources import firmware_dir

if TYPE_CHECKING:
    from pathlib import Path

    from hil.convert import Converted
    from hil.model import LtcModel


@dataclass(frozen=True)
class Contestant:
    """A program for one network.

    Attributes:
        name: as in the table.
        about: what it is, in a line.
        source: file in ``firmware/bench``, without its ending; empty for the runtime itself.
        definition: preprocessor definition that it needs.
    """

    name: str
    about: str
    source: str
    definition: str = ""


_STACK_BYTES = 4096  # contestants keep their sums there

HIL = Contestant("hil", "the runtime, firmware/ltc, with the fused solver alone", "")
CONTESTANTS = (
    HIL,
    Contestant("float32 naive", "the equations over full matrices, expf of the C library", "naive"),
    Contestant("float32 lists", "the runtime's equations in float32, firmware/reference", "reference"),
    Contestant("Q16.16", "a careful port to fixed point: 64-bit products, table of 257", "fixed", "CONTESTANT_FIXED"),
    Contestant("int16x8", "as TensorFlow Lite Micro's 16x8 scheme would", "int16x8", "CONTESTANT_FIXED"),
)
NOTHING = Contestant("nothing", "a step that does nothing: what all others are measured from", "nothing")


def make_firmware(folder: Path, contestant: Contestant, model: LtcModel, converted: Converted) -> Path:
    """Sources of a firmware with a contestant as its runtime, laid out as ``firmware/``.

    Args:
        folder: where they go; must not exist.
        contestant: who.
        model: the network that is compiled in.
        converted: the formats that the harness will talk in.
    """
    shutil.copytree(firmware_dir(), folder, ignore=shutil.ignore_patterns("build"))
    script = folder / "CMakeLists.txt"
    link = "target_link_libraries(agent PRIVATE ltc)"
    if not contestant.source:
        _edit(script, link, f"{link}\ntarget_compile_definitions(ltc PRIVATE LTC_FUSED_ONLY)")
        return folder
    ltc = folder / "ltc"
    for path in ltc.iterdir():
        if path.suffix in {".c", ".S"} and path.name != "ltc_crc.c":
            path.unlink()
    definition = f"#define {contestant.definition}\n" if contestant.definition else ""
    (ltc / "network.h").write_text(network_header(model, converted))
    bench = folder / "bench"
    shutil.copy(bench / "contestant.h", ltc)
    _edit(ltc / "contestant.h", "#define CONTESTANT_H\n", f"#define CONTESTANT_H\n{definition}")
    shutil.copy(bench / "contestant.c", ltc / "ltc.c")
    shutil.copy(bench / f"{contestant.source}.c", ltc)
    _edit(script, "HIL_STACK_BYTES 1024", f"HIL_STACK_BYTES {_STACK_BYTES}")
    _edit(script, "target_compile_options(ltc PRIVATE -Os)", "target_compile_options(ltc PRIVATE -O2)")
    _edit(script, link, "target_link_libraries(agent PRIVATE ltc m c)")
    for name in ("ltc_float.h", *(("ltc_float.c",) if contestant.source == "reference" else ())):
        shutil.copy(folder / "reference" / name, ltc)
    return folder


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    if text.count(old) != 1:
        raise BuildError(f"{path.name} has {text.count(old)} times '{old}'", hint="hil's firmware folder was changed")
    path.write_text(text.replace(old, new))
