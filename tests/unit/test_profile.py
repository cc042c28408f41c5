"""Where cycles went: tables and flame graphs from call paths, and the picture of cycles over steps."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pytest

from hil.commands.profile import ProfileRequest, profile
from hil.dut.options import DutOptions
from hil.errors import InputError
from hil.report.cycles_picture import draw_cycles
from hil.report.profile import FunctionShare, folded, functions_of
from hil.step_cycles import PathCycles
from tests.results import result_with

if TYPE_CHECKING:
    from pathlib import Path

PATHS = (
    PathCycles(("step",), 2, 100),
    PathCycles(("step", "add"), 6, 250),
    PathCycles(("step", "add", "mul"), 12, 50),
    PathCycles(("step", "mul"), 3, 10),
    PathCycles(("step", "mul", "mul"), 1, 90),
    PathCycles(("step", "none"), 1, 0),
)


def test_functions_are_summed_over_their_paths() -> None:
    assert functions_of(PATHS) == [
        FunctionShare("add", 6, 250, 300, 0.5),
        FunctionShare("mul", 16, 150, 150, 0.3),  # a call within a call counts once
        FunctionShare("step", 2, 100, 500, 0.2),
        FunctionShare("none", 1, 0, 0, 0.0),
    ]
    assert functions_of(()) == []


def test_a_folded_line_is_a_path_and_its_own_cycles() -> None:
    assert folded(PATHS).splitlines() == [
        "step 100",
        "step;add 250",
        "step;add;mul 50",
        "step;mul 10",
        "step;mul;mul 90",
    ]


@pytest.mark.parametrize("sequences", [1, 3, 9])
def test_the_picture_tells_its_figures(tmp_path: Path, sequences: int) -> None:
    cycles = result_with([[100 + i, 110, 125] for i in range(sequences)]).cycles.sources[0]
    for kind in ("svg", "png"):
        place = tmp_path / f"a.{kind}"
        draw_cycles(place, "a on microbit", cycles, budget=130)
        assert place.stat().st_size > 4000
    drawn = ET.parse(tmp_path / "a.svg").getroot()  # noqa: S314 - written by this test
    comments = (tmp_path / "a.svg").read_text()
    assert drawn.tag.endswith("svg")
    assert "min 100, median 110, max 125, budget 130" in comments
    assert ("median of 9" in comments) == (sequences == 9)


def test_without_matplotlib_there_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(InputError, match="needs matplotlib") as caught:
        draw_cycles(tmp_path / "a.svg", "a", result_with([[1]]).cycles.sources[0])
    assert caught.value.hint == "pip install 'hil-ltc[plots]'"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("files", [["a.npz"], ["a.hil.yaml", "b.npz"], ["a.npz", "b.npz", "c.npz"]])
def test_what_it_takes_is_told(tmp_path: Path, files: list[str]) -> None:
    request = ProfileRequest([tmp_path / name for name in files], "microbit", tmp_path, "svg")
    with pytest.raises(InputError, match="takes one case file, or a model and its vectors"):
        profile(request, DutOptions(), None)


def test_a_folder_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    request = ProfileRequest([tmp_path / "a.npz", tmp_path / "b.npz"], "microbit", tmp_path / "file" / "out", "svg")
    with pytest.raises(InputError, match="cannot be made"):
        profile(request, DutOptions(), None)
