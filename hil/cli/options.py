"""The arguments and options that several commands take, one spelling for all."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hil.flash_mode import FlashMode

Board = Annotated[str, typer.Argument(metavar="BOARD", help="a board that 'hil boards' lists, or its YAML file")]
BoardOption = Annotated[str, typer.Option("--board", metavar="NAME", help="a board, or its YAML file")]
Backend = Annotated[str, typer.Option(metavar="NAME", help="auto, hardware, or an emulator of the board")]
Probe = Annotated[str | None, typer.Option(metavar="UID", help="debug probe of an attached board")]
Port = Annotated[str | None, typer.Option(metavar="DEV", help="serial port of an attached board, or its SPI bridge")]
Link = Annotated[str, typer.Option(metavar="NAME", help="link to the firmware: uart or spi")]
Meter = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="current analyzer, e.g. ppk2:/dev/ttyACM0?marker=D0")
]
SolverOption = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="fused, euler, rk4, adaptive or exponential; else the model's own"),
]
Unfolds = Annotated[int | None, typer.Option(metavar="N", help="sub-steps a step; for adaptive at most")]
ErrorBound = Annotated[float | None, typer.Option(metavar="X", help="of the adaptive solver, in a state's unit")]
RigFile = Annotated[Path | None, typer.Option("--rig", metavar="FILE", help="what is plugged in on this bench")]
Farm = Annotated[
    str | None,
    typer.Option(metavar="HOST[:PORT][/PLACE]", help="labgrid coordinator whose places have the board"),
]
Wait = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS", help="to wait at most for a probe (60) or a place (600) of another run; 0 fails at once"
    ),
]
AllowErase = Annotated[
    bool, typer.Option("--allow-erase", help="all flash may be erased where nothing else makes the board reachable")
]
ModelFile = Annotated[Path, typer.Argument(metavar="MODEL.npz", help="parameters, named as in ncps")]
CaseFiles = Annotated[list[Path], typer.Argument(metavar="CASE.hil.yaml|MODEL.npz VECTORS.npz", help="what to run")]
ResultFile = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="write the result as JSON")]
RowsFile = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="write the rows as JSON")]
PictureFile = Annotated[Path | None, typer.Option("--picture", metavar="FILE", help="draw it: NAME.svg or NAME.png")]
Flash = Annotated[FlashMode, typer.Option("--flash", help="when to write firmware")]
