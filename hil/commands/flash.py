"""``hil flash``: build a board's firmware, flash it and hear it answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil.commands.output import open_bench

if TYPE_CHECKING:
    from rich.console import Console

    from hil.dut.options import DutOptions


def flash_board(name: str, options: DutOptions, console: Console) -> None:
    """Flash a board's firmware where it is not there yet; an emulated board keeps its flash for the next time.

    Raises:
        HilError: it cannot be built, flashed or heard.
    """
    with open_bench(options, console) as bench:
        options.check(bench.board(name))
        dut = bench.dut(name)
        console.print(dut.artefact.size_report())
        console.print(str(dut.provenance))
        written = dut.provenance.flashed.bytes_written
        console.print(f"{written} bytes of flash written" if written else "the flash held it already")
        identity = dut.identity
        console.print(
            f"the firmware answers: protocol {identity.protocol_version}, LTC runtime {identity.ltc_version}, "
            f"{identity.arena_bytes} bytes of RAM and {identity.slot_bytes} bytes of flash for a model image"
        )
