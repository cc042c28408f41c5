"""Emulated boards behind a real coordinator and exporter: the ordinary commands, and what becomes of them."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

import pytest

from hil.board import load_board
from hil.dut.opening import open_dut
from hil.dut.options import DutOptions
from hil.errors import RigError
from hil.resources import examples_dir
from tests.farm.lab import BOARD, ROOT, UNTAGGED, open_lab

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.farm.lab import Lab

TIMEOUT_S = 300.0  # of a computer with other things to do; nothing is measured
NETWORK = [str(examples_dir() / "networks" / f"tiny_dense.{kind}.npz") for kind in ("model", "vectors")]
CASES = [str(ROOT / "tests" / "hil" / f"{name}.hil.yaml") for name in ("tiny_dense", "unfold1", "dead_inputs")]


def outcome(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    try:
        output, errors = process.communicate(timeout=TIMEOUT_S)
    finally:
        process.kill()
    return process.returncode, output, errors


def test_workers_never_share_a_place_and_wait_where_there_are_too_few(lab: Lab, tmp_path: Path) -> None:
    record = tmp_path / "record"
    # The goldens of their cycles are the emulator's own counter's, which nobody reads at a farm.
    words = ("--board", BOARD, "--hil-farm", lab.coordinator, "--hil-backend", "twin", "-n", "3", "-k", "not cycles")
    run = lab.hil(*CASES, *words, "-p", "tests.farm.recorder", python=("-m", "pytest"), FARM_RECORD=str(record))
    code, output, errors = outcome(run)
    assert code == 0, output + errors
    assert "hil: all 2 places that fit are taken" in errors
    seen = [json.loads(line) for line in record.read_text("utf-8").splitlines()]
    assert {each["emulated"] for each in seen} == {True}
    # A probe that is served takes one client at a time: had two shared a place, one of them would have failed.
    assert {each["probe"].partition(" ")[2] for each in seen} == {"(place desk-1)", "(place desk-2)"}
    assert len({each["worker"] for each in seen}) == 3


def test_a_board_whose_user_was_killed_is_free_and_sound_and_told_as_what_it_is(lab: Lab, tmp_path: Path) -> None:
    farm = f"{lab.coordinator}/desk-1"
    user = lab.hil(farm, python=("-m", "tests.farm.user"))
    assert user.stdout.readline() == "open\n"
    user.kill()
    outcome(user)
    words = ("--board", BOARD, "--farm", farm, "--json", str(tmp_path / "run.json"))
    code, output, errors = outcome(lab.hil("run", *NETWORK, *words))
    assert code == 0, errors
    assert output.startswith(f"{BOARD} on twin (emulated; at a farm, as its place says), probe remote:127.0.0.1:")
    assert "(place desk-1)" in output.splitlines()[0]
    told = json.loads((tmp_path / "run.json").read_text("utf-8"))
    assert (told["emulated"], told["backend"], told["backend_version"]) == (True, "twin", "")


def test_an_emulated_board_is_never_told_as_hardware(lab: Lab) -> None:
    words = f"the probe of place '{UNTAGGED}' is 'emulated:nucleo-l031.2', an emulated board, and no tag"
    with (
        pytest.raises(RigError, match=words),
        open_dut(load_board(BOARD), DutOptions(farm=f"{lab.coordinator}/{UNTAGGED}", wait_s=TIMEOUT_S)),
    ):
        pass


@pytest.mark.parametrize(
    ("gone", "words"),
    [
        ("exporter", "rig: place 'desk-1' was lost in the middle of the run: exporter 'bench' has gone, with "),
        ("boards", "rig: the probe of place 'desk-1' does not answer any more\n  caused by: "),
    ],
)
def test_what_goes_at_the_far_end_in_the_middle_of_a_run_is_a_rig_error(tmp_path: Path, gone: str, words: str) -> None:
    with open_lab(tmp_path, 1) as lab:
        user = lab.hil(f"{lab.coordinator}/desk-1", python=("-m", "tests.farm.user"))
        assert user.stdout.readline() == "open\n"
        run = getattr(lab, gone)
        os.killpg(run.process.pid, signal.SIGKILL)  # an exporter with the servers of its serial ports
        code, _, errors = outcome(user)
    assert errors.startswith(words)
    assert code == RigError.exit_code
