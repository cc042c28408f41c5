"""``hil power`` on an emulated NUCLEO-L031K6, and where nothing tells a current."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from hil.commands.power import PowerRequest, power
from hil.dut.options import DutOptions
from hil.errors import InputError, RigError
from hil.resources import examples_dir
from tests.plugin.measured_board import desk

if TYPE_CHECKING:
    from pathlib import Path

NETWORKS = examples_dir() / "networks"
FILES = NETWORKS / "tiny_dense.model.npz", NETWORKS / "tiny_dense.vectors.npz"


@pytest.fixture(autouse=True)
def _own_boards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path / "state"))


def said(request: PowerRequest, options: DutOptions = DutOptions(), *, terminal: bool = False) -> str:  # noqa: B008
    out = io.StringIO()
    power(request, options, Console(file=out, force_terminal=terminal, width=120, color_system=None))
    return out.getvalue()


def test_what_a_case_draws(tmp_path: Path) -> None:
    case = tmp_path / "tiny.hil.yaml"
    other = tmp_path / "other.vectors.npz"
    other.write_bytes(FILES[1].read_bytes())
    case.write_text(f"model: {FILES[0]}\nvectors: [{FILES[1]}, {other}]\n")
    picture = tmp_path / "tiny.svg"
    text = said(PowerRequest([case], "nucleo-l031", 2, picture), terminal=True)
    assert "twin" in text
    assert re.search(r"^average current: \d+ µA \(typical, maximum unknown\), modelled at 3 V", text, re.MULTILINE)
    shares = [float(each) for each in re.findall(r"([\d.]+)% (?:sleep|run)", text)]
    assert sum(shares) == pytest.approx(100, abs=0.2)
    low, middle, high = map(float, re.findall(r"min-median-max\): ([\d.]+)-([\d.]+)-([\d.]+) µJ", text)[0])
    assert 0 < low <= middle <= high
    rows = re.findall(r"^ +(\d+) +(\d+) +([\d.]+) µJ$", text, re.MULTILINE)
    assert [int(step) for _, step, _ in rows] == list(range(8))
    assert all(low <= float(energy) <= high for _, _, energy in rows)
    assert re.search(r"^and \d+ more$", text, re.MULTILINE)
    # In the terminal: bars up to the largest average, from no current on, and where steps are.
    assert re.search(r"^ +1\.\d\d mA .*[▁▂▃▄▅▆▇█]", text, re.MULTILINE)
    assert re.search(r"^ +steps .*[░▒▓█]", text, re.MULTILINE)
    words = "".join(ET.parse(picture).getroot().itertext())  # noqa: S314 - written by this test
    assert re.search(r"tiny-other on nucleo-l031, twin \(emulated\)", words)
    assert f"min-median-max {low}" in words
    assert "not in it: " in words


def test_what_an_analyzer_measures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A simulated PPK2 on an emulated board that stands for one on the desk: so it is called, and never measured."""
    picture = tmp_path / "tiny.svg"
    with desk(monkeypatch) as there:
        options = DutOptions(probe=there.probe, port=there.port, meter=there.meter())
        text = said(PowerRequest(FILES, "nucleo-l031", picture=picture), options, terminal=True)
    assert re.search(r"^average current: \d+ .*µA.*, simulated instrument, emulated board at 3 V", text, re.MULTILINE)
    assert re.search(r"^sequence +step +energy +off by at most$", text, re.MULTILINE)
    assert re.search(r"min-median-max\): [\d.]+-[\d.]+-[\d.]+ µJ, means of batches of \d+ at most", text)
    assert re.search(r"^ +steps .*[░▒▓█]", text, re.MULTILINE)
    words = "".join(ET.parse(picture).getroot().itertext())  # noqa: S314 - written by this test
    assert "simulated instrument, emulated board: PPK2" in words
    assert "measured" not in words


def test_a_board_whose_emulator_tells_no_more_than_cycles_is_asked_in_words() -> None:
    """No page with a run current of the micro:bit could be read."""
    with pytest.raises(RigError, match=r"^current of tiny_dense not measured: no current source on board 'microbit'"):
        said(PowerRequest(FILES, "microbit"))


def test_a_process_draws_no_current() -> None:
    with pytest.raises(RigError, match=r"not measured: .*a process of this computer draws no current") as caught:
        said(PowerRequest(FILES, "host"))
    assert caught.value.exit_code == 10
    assert "--meter" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        (PowerRequest(FILES, "nucleo-l031", 2), r"there are no vectors 2\n  hint: --vectors takes: 1 tiny_dense"),
        (PowerRequest(FILES, "nucleo-l031", 0), "there are no vectors 0"),
        (PowerRequest(FILES[:1], "nucleo-l031"), "'hil power' takes one case file, or a model and its vectors"),
    ],
)
def test_what_cannot_be_shown_is_said_before_anything_is_built(request_: PowerRequest, told: str) -> None:
    with pytest.raises(InputError, match=told):
        said(request_)


def test_a_picture_of_no_known_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"its name says no format that is known\n  hint: end it in .svg or .png"):
        said(PowerRequest(FILES, "nucleo-l031", picture=tmp_path / "a.gif"))
