"""What is in the pictures of a current, in an SVG's own text and shapes, and in a terminal."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from hil.errors import InputError
from hil.report.current_lines import current_lines
from hil.report.current_picture import draw_current
from hil.report.waveform import Waveform
from hil.step_energy import StepEnergy


def made(sequences: int, steps: int, *, maximum: bool = False) -> tuple[Waveform, StepEnergy]:
    """Steps of 2 ms at 2 mA, with 2 ms at 1 mA before each; the first takes twice as long."""
    count = sequences * steps
    lengths = np.full(2 * count, 0.002)
    lengths[1] = 0.004
    edges_s = np.concatenate(([0.0], np.cumsum(lengths)))
    current_A = np.tile([1e-3, 2e-3], count)
    windows_s = np.stack((edges_s[1::2], edges_s[2::2]), axis=1)
    per_step_uJ = (np.diff(windows_s) * 2e-3 * 3 * 1e6).reshape(sequences, steps)
    most = current_A * 1.5 if maximum else None
    energy = StepEnergy(
        kind="modelled",
        source="a data sheet",
        per_step_uJ=per_step_uJ,
        uncertainty_uJ=np.zeros_like(per_step_uJ),
        maximum_uJ=per_step_uJ * 1.5 if maximum else None,
        average_uA=1500.0,
        average_uncertainty_uA=0.0,
        maximum_average_uA=None,
        supply_V=3.0,
        duration_s=float(edges_s[-1]),
    )
    return Waveform("modelled", "a data sheet, p. 1 & 2", edges_s, current_A, windows_s, most), energy


def drawn(title: str, waveform: Waveform, energy: StepEnergy | None = None) -> str:
    """The text of the file."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "current.svg"
        draw_current(path, title, waveform, energy)
        return path.read_text(encoding="utf-8")


def words(svg: str) -> str:
    """All text of an SVG."""
    return " ".join(each for each in ET.fromstring(svg).itertext() if each.strip())  # noqa: S314 - made by hil


def test_what_it_says() -> None:
    said = words(drawn("a case <on> a board", *made(1, 8, maximum=True)))
    for each in (
        "a case <on> a board",
        "modelled: a data sheet, p. 1 & 2",
        "steps",
        "to the maximum",
        "min-median-max 12.0-12.0-24.0 µJ; average 1.50 mA at 3 V",
    ):
        assert each in said
    assert "from near" not in said


def test_a_picture_in_a_page_has_the_colour_of_its_text_and_needs_nothing_else() -> None:
    svg = drawn("a case", *made(1, 4))
    assert svg.startswith("<svg")
    assert "currentColor" in svg
    assert "#010203" not in svg
    assert "to the maximum" not in svg
    assert not re.search(r"(href|src|url)\W+(https?:|//|data:)", svg.replace('xmlns:xlink="http', ""))
    assert "<script" not in svg


def test_the_same_gives_the_same() -> None:
    assert drawn("a case", *made(2, 20)) == drawn("a case", *made(2, 20))


def test_thousands_of_steps_make_no_bigger_a_picture_and_some_are_shown_from_near() -> None:
    few, many = drawn("a case", *made(3, 60)), drawn("a case", *made(4, 1000, maximum=True))
    assert len(many) < 2 * len(few) < 800_000
    assert "from near: 4 of 4000, from 8.00 s on" in words(many)
    assert "steps: share of the time" in words(many)
    assert "step, of 4 sequences one after another" in words(many)


def test_the_one_step_that_takes_more_is_seen_among_thousands() -> None:
    """Its bar stands out: the axis of energies goes up to 24 µJ, where all others take 12 µJ."""
    assert "16 µJ" in words(drawn("a case", *made(4, 1000)))


@pytest.mark.parametrize("steps", [8, 400])
def test_what_energies_may_be_off_by_is_told_and_drawn(steps: int) -> None:
    """The axis goes up to what the first step may take, 24 µJ and 9.6 µJ more."""
    waveform, energy = made(1, steps)
    off = replace(energy, kind="measured", uncertainty_uJ=0.4 * energy.per_step_uJ)
    said = words(drawn("a case", waveform, off))
    assert "each off by 9.60 µJ at most" in said
    assert "each off by" not in words(drawn("a case", waveform, energy))
    assert "30 µJ" in said


def test_a_trace_alone() -> None:
    waveform, _ = made(1, 4)
    assert "energy" not in words(drawn("a case", waveform))


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_into_a_file(tmp_path: Path, kind: str) -> None:
    place = tmp_path / f"current.{kind}"
    draw_current(place, "a case", *made(1, 4))
    assert place.stat().st_size > 5000
    with pytest.raises(InputError, match="cannot be written"):
        draw_current(tmp_path / "none" / f"current.{kind}", "a case", *made(1, 4))


def test_without_matplotlib_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(InputError, match="needs matplotlib"):
        drawn("a case", *made(1, 4))


def test_lines_of_a_terminal() -> None:
    """Half of the time at 2 mA and half at 1 mA, in columns of 1 ms: bars of full and of half height, by turns."""
    edges_s = np.arange(31) * 2e-3
    waveform = Waveform("modelled", "", edges_s, np.tile([1e-3, 2e-3], 15), np.stack((edges_s[1::2], edges_s[2::2]), 1))
    lines = current_lines(waveform, 70)
    assert [len(line) <= 70 for line in lines] == [True] * 8
    assert lines[0] == "  2.00 mA " + "  ██" * 15
    assert lines[5] == "      0 A " + "████" * 15
    assert lines[6] == "    steps " + "  ██" * 15
    assert lines[7].endswith("60.0 ms")
    assert lines[7].split()[:2] == ["0", "s"]


def test_lines_of_nothing() -> None:
    waveform = Waveform("measured", "", np.array([0.0, 1.0]), np.array([np.nan]), np.zeros((0, 2)))
    assert current_lines(waveform, 40)[0].split() == ["0", "A"]


def test_pictures_in_one_page_do_not_mix_up_what_they_refer_to() -> None:
    """Browsers take the first element of a name: only those that are referred to have one, called after the content."""
    pictures = [drawn("a case", *made(1, 8)), drawn("another", *made(2, 100))]
    names = [set(re.findall(r'\bid="([^"]*)"', svg)) for svg in pictures]
    referred = [set(re.findall(r'(?:\(|href=")#([^)"]*)', svg)) for svg in pictures]
    assert names == referred
    assert all(names)
    assert not names[0] & names[1]
