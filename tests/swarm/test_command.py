"""``hil swarm``: its tables, its exit code, its JSON, and what it says of energy."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

import hil.swarm.build_nodes
from hil.board import load_board
from hil.build import build
from hil.commands.swarm import SwarmRequest, swarm
from hil.swarm.energy import EnergyModel
from hil.swarm.spent import Spent
from tests.swarm.small import STEP_TOO_MANY, write

if TYPE_CHECKING:
    from pathlib import Path

    from hil.board import Board
    from hil.build import Artefact
    from tests.hil.defects import Workshop

BOARD = load_board("nucleo-l031")


def said(path: Path, json_file: Path | None = None) -> tuple[int, str]:
    out = io.StringIO()
    console = Console(file=out, width=80, soft_wrap=True, highlight=False, markup=False)
    return swarm(SwarmRequest(path, json_file), console), out.getvalue()


def test_what_is_told_and_saved(tmp_path: Path) -> None:
    path = write(tmp_path, ["wrist", "tiny"])
    code, text = said(path, tmp_path / "one.json")
    assert code == 0
    lines = text.splitlines()
    assert lines[0] == "2 nodes, twins in virtual time, one bus at 8 MHz"
    rows = [line.split() for line in lines if line.startswith(("wrist", "tiny"))]
    assert [row[:8] for row in rows[:2]] == [
        ["tiny", "tiny_dense", "60", "6", "6", "6", "0", "0"],
        ["wrist", "basicmotions", "120", "4", "4", "4", "0", "0"],
    ]
    assert [row[:3] for row in rows[2:]] == [["tiny", "tiny_dense", "60"], ["wrist", "basicmotions", "120"]]
    assert "all 10 anomalies of the reference run were told, none missed, none false" in lines[-1]
    assert lines[-1].endswith("in every bit; float64: 10 of 10 the same")
    assert "modelled" in text
    assert "a best case" in text
    assert "not modelled" not in text
    written = json.loads((tmp_path / "one.json").read_text())
    assert [node["name"] for node in written["nodes"]] == ["tiny", "wrist"]
    assert [len(node["anomalies"]["told"]) for node in written["nodes"]] == [6, 4]
    hub = written["hub"]
    assert hub["anomalies"]["bus_bytes"] < 0.15 * hub["samples"]["bus_bytes"]
    assert hub["anomalies"]["wakes"] < 0.15 * hub["samples"]["wakes"]
    assert all(node["float64"] == {"same": node["reference"], "more": 0} for node in written["nodes"])
    assert written["energy"]["nucleo-l031"]["supply_V"] == 3.0
    energy = hub["energy_mJ"]
    assert energy["watched"] < energy["sampled"] < energy["computing"]
    # The same nodes in another order, once more: the same file.
    assert said(write(tmp_path, ["tiny", "wrist"]), tmp_path / "two.json")[0] == 0
    assert (tmp_path / "two.json").read_bytes() == (tmp_path / "one.json").read_bytes()


def test_a_node_whose_reference_has_no_anomaly(tmp_path: Path) -> None:
    path = write(tmp_path, ["tiny"])
    path.write_text(path.read_text().replace("above: 0.579", "above: 0.9"))
    code, text = said(path)
    assert code == 0
    assert next(line for line in text.splitlines() if line.startswith("tiny")).split()[:8] == [
        *("tiny", "tiny_dense", "60"),
        *("0", "0", "0", "-", "0"),
    ]
    assert text.splitlines()[-1].startswith("the reference run has no anomaly")


class Closed(io.StringIO):
    """What is printed goes to somebody who has stopped reading."""

    def write(self, _text: str) -> int:
        raise BrokenPipeError


def test_the_file_is_there_before_anything_is_printed(tmp_path: Path) -> None:
    target = tmp_path / "one.json"
    with pytest.raises((BrokenPipeError, SystemExit)):
        swarm(SwarmRequest(write(tmp_path, ["tiny"]), target), Console(file=Closed(), width=80, soft_wrap=True))
    assert json.loads(target.read_text())["problems"] == []


def test_a_defect_turns_it_red(workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def defective(board: Board, *, link: str) -> Artefact:
        return build(board, link=link, firmware_root=workshop.root)

    monkeypatch.setattr(hil.swarm.build_nodes, "build", defective)
    with workshop.planted(STEP_TOO_MANY):
        code, text = said(write(tmp_path, ["tiny"]))
    assert code == 1
    assert "node 'tiny' missed anomalies at sequence 0 step 10, sequence 0 step 20" in text
    assert text.splitlines()[-1].startswith("FAILED: of 6 anomalies of the reference run 6 missed,")


def test_energy_is_currents_times_times() -> None:
    model = EnergyModel.of(BOARD)
    assert not model.missing
    spent = Spent(awake_s=2.0, asleep_s=3.0, stopped_s=1000.0)
    assert model.energy_mJ(spent) == pytest.approx((1216 * 2 + 1000 * 3 + 0.35 * 1000) * 3.0 / 1000)
    assert model.energy_mJ(None) is None


@pytest.mark.parametrize(
    ("drop", "said"),
    [
        ("run", "key 'currents.0.typical_uA' of board 'nucleo-l031' (run) is unknown: not read"),
        ("stop", "the file of board 'nucleo-l031' has no 'stop' in key 'currents'"),
    ],
)
def test_what_is_not_known_is_named_and_nothing_modelled(drop: str, said: str) -> None:
    rows = tuple(row for row in BOARD.currents if row.state != drop or row.typical_uA == "unknown")
    model = EnergyModel.of(BOARD.model_copy(update={"currents": rows}))
    assert said in model.missing
    assert model.energy_mJ(Spent(1.0, 1.0, 1.0)) is None


def test_at_a_clock_of_which_no_row_tells_nothing_is_modelled() -> None:
    model = EnergyModel.of(BOARD.model_copy(update={"clock_hz": 32_000_000}))
    assert "has no 'sleep' at 32 MHz in key 'currents'" in model.missing
    assert model.energy_mJ(Spent(1.0, 1.0, 1.0)) is None
