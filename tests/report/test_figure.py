"""What all pictures share: what cannot be drawn is told before anything is read, built or run."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from hil.commands.bench import BenchRequest, bench
from hil.commands.power import PowerRequest, power
from hil.commands.profile import ProfileRequest, profile
from hil.commands.tune import TuneRequest, tune
from hil.dut.bench import Bench
from hil.dut.options import DutOptions
from hil.errors import InputError
from hil.report.bars import draw_bars
from hil.report.figure import check_picture
from hil.report.scatter import Point, draw_scatter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def run_tune(picture: Path) -> None:
    none = picture.parent / "none.npz"
    tune(TuneRequest(none, [none], "nucleo-l031", None, None, picture), DutOptions(), Console())


def run_bench(picture: Path) -> None:
    none = picture.parent / "none.npz"
    bench(BenchRequest([none, none], "nucleo-l031", None, picture), Console())


def run_power(picture: Path) -> None:
    none = picture.parent / "none.npz"
    power(PowerRequest([none, none], "nucleo-l031", picture=picture), DutOptions(), Console())


def run_profile(picture: Path) -> None:
    none = picture.parent / "none.npz"
    request = ProfileRequest([none, none], "nucleo-l031", picture.parent, picture.suffix.removeprefix("."))
    profile(request, DutOptions(), Console())


@pytest.mark.parametrize("run", [run_tune, run_bench, run_power, run_profile])
def test_no_command_runs_for_a_picture_of_no_known_kind(
    tmp_path: Path, run: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Bench, "dut", lambda *_: pytest.fail("a board was opened"))
    with pytest.raises(InputError, match=r"its name says no format that is known\n  hint: end it in .svg or .png"):
        run(tmp_path / "x.gif")


@pytest.mark.parametrize("run", [run_tune, run_bench, run_power])
def test_no_command_runs_where_its_picture_cannot_be_drawn_or_written(
    tmp_path: Path, run: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        run(tmp_path / "file" / "x.png")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(InputError, match="needs matplotlib"):
        run(tmp_path / "x.png")
    assert not (tmp_path / "x.png").exists()


def test_a_picture_that_nobody_asked_for_may_have_nothing_to_draw_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    check_picture(tmp_path / "x.svg", wanted=False)


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_the_same_figures_give_the_same_file(tmp_path: Path, kind: str) -> None:
    written = []
    for number in range(2):
        bars, dots = tmp_path / f"bars{number}.{kind}", tmp_path / f"dots{number}.{kind}"
        draw_bars(bars, "a network", {"ours": 6000.0, "float": 250_000.0})
        draw_scatter(
            dots, "a network", [Point("unfold 6", 6000.0, 1e-4, good=True), Point("exp", 900.0, 2e-2, good=False)]
        )
        written.append((bars.read_bytes(), dots.read_bytes()))
    assert written[0] == written[1]
