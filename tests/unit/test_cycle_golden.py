"""The golden file of a case's cycles: read back as written, refused when damaged, replaced when old."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hil.case import load_case
from hil.cycle_golden import Entry, GoldenFile, Platform, Recording, golden_path, load_golden
from hil.errors import CyclesError, InputError
from hil.golden_file import write_golden
from hil.pytest_run.recorder import NOTHING, Recorder
from tests.results import ORIGIN, result_with

if TYPE_CHECKING:
    from pathlib import Path

GCC12 = Platform(board="microbit", core="cortex-m0", kind="emulator", compiler="gcc 12", flags="-O2")
GCC13 = GCC12.model_copy(update={"compiler": "gcc 13"})
SILICON = GCC12.model_copy(update={"kind": "silicon"})


def recording(*rows: tuple[int, ...]) -> Recording:
    return Recording(source="model", firmware="00", image="11", recorded="2026-01-02", hil="0.1", per_step=rows)


def golden(platform: Platform = GCC12, **vectors: Recording) -> GoldenFile:
    return GoldenFile(entries=(Entry(platform=platform, vectors=vectors),))


def test_lies_beside_its_case(tmp_path: Path) -> None:
    assert golden_path(tmp_path / "bridge.hil.yaml") == tmp_path / "bridge.cycles.json"


def test_is_read_as_it_was_written_with_one_sequence_a_line(tmp_path: Path) -> None:
    path = tmp_path / "bridge.cycles.json"
    assert load_golden(path) == GoldenFile()
    wanted = golden(a=recording((1, 22, 333), (4, 5, 6)), b=recording((7,)))
    write_golden(path, wanted)
    assert load_golden(path) == wanted
    lines = [line.strip() for line in path.read_text().splitlines()]
    assert [line for line in lines if line[:2] in {"[1", "[4", "[7"}] == ["[1,22,333],", "[4,5,6]", "[7]"]
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is damaged: it is not JSON"),
        ("{", "is damaged: it is not JSON"),
        ("[]", "is damaged: it does not say that its format is"),
        ("{}", "is damaged: it does not say that its format is"),
        ('{"format": "hil cycles"}', "has version None, this hil reads version 1"),
        ('{"format": "hil cycles", "version": 2}', "has version 2, this hil reads version 1"),
        ('{"format": "hil cycles", "version": true}', "has version True, this hil reads version 1"),
        ('{"format": "hil cycles", "version": 1.0}', "has version 1.0, this hil reads version 1"),
        pytest.param("[" * 100_000 + "]" * 100_000, "is damaged: it is nested too deep", id="deep list"),
        pytest.param('{"a": ' * 100_000 + "1" + "}" * 100_000, "is damaged: it is nested too deep", id="deep object"),
        ('{"format": "hil cycles", "version": 1, "version": 1}', "is damaged, at the top: key 'version' is there"),
        (
            '{"format": "hil cycles", "version": 1, "entries": [{"platform": {}, "vectors": {"a": {}, "a": {}}}]}',
            "is damaged, at entries.0.vectors: key 'a' is there twice",
        ),
        ('{"format": "another", "version": 1}', "is damaged: it does not say that its format is"),
        ('{"format": "hil cycles", "version": 1, "entris": []}', "is damaged, at entris"),
    ],
)
def test_what_cannot_be_read_is_named_and_not_taken_for_absent(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "bridge.cycles.json"
    path.write_text(content)
    with pytest.raises(InputError) as caught:
        load_golden(path)
    assert caught.value.message.startswith(f"golden file {path} {words}")
    assert "--hil-update-golden" in str(caught.value.hint)


@pytest.mark.parametrize("wrong", [-1, 1.5, "1", None, True, 2**53, 2**63, 10**30])
def test_a_count_is_a_whole_number(tmp_path: Path, wrong: object) -> None:
    path = tmp_path / "bridge.cycles.json"
    write_golden(path, golden(a=recording((1, 2))))
    data = json.loads(path.read_text())
    data["entries"][0]["vectors"]["a"]["per_step"][0][1] = wrong
    path.write_text(json.dumps(data))
    with pytest.raises(InputError, match=r"is damaged, at entries\.0\.vectors\.a\.per_step\.0\.1"):
        load_golden(path)


def test_two_entries_of_one_platform_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "bridge.cycles.json"
    entries = (*golden(SILICON, a=recording((1,))).entries, *golden(a=recording((1,))).entries)
    write_golden(
        path, GoldenFile(entries=(*entries, entries[1].model_copy(update={"vectors": {"a": recording((2,))}})))
    )
    with pytest.raises(InputError) as caught:
        load_golden(path)
    assert caught.value.message == (
        f"golden file {path} is damaged: entries.1 and entries.2 are both for microbit, cortex-m0, emulator, gcc 12 -O2"
    )
    assert "as a merge may leave them" in str(caught.value.cause)


def test_a_golden_behind_a_symbolic_link_is_written_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    real, link = tmp_path / "shared" / "real.json", tmp_path / "bridge.cycles.json"
    write_golden(real, golden(a=recording((1,))))
    link.symlink_to(real)
    write_golden(link, golden(a=recording((2,))))
    assert link.is_symlink()
    assert load_golden(real) == golden(a=recording((2,)))


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bridge.cycles.json"
    write_golden(path, golden(a=recording((1,))))
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match=r"bridge\.cycles\.json cannot be written"):
        write_golden(path, golden(a=recording((2,))))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_is_found_by_everything_that_cycles_depend_on() -> None:
    there = golden(a=recording((1,)))
    assert there.find(GCC12, "a") == recording((1,))
    assert there.find(GCC12, "b") is None
    for key, value in (("board", "x"), ("core", "x"), ("kind", "silicon"), ("compiler", "x"), ("flags", "x")):
        assert there.find(GCC12.model_copy(update={key: value}), "a") is None
    assert there.other_compilers(GCC13, "a") == (GCC12,)
    assert there.other_compilers(GCC12.model_copy(update={"flags": "-Os"}), "a") == (GCC12,)
    assert there.other_compilers(GCC13, "b") == ()
    assert there.other_compilers(SILICON, "a") == ()
    assert there.other_compilers(GCC12, "a") == ()


def test_merging_replaces_what_was_recorded_anew_and_drops_what_the_case_lost() -> None:
    there = golden(a=recording((1,)), b=recording((2,)), c=recording((3,)))
    both = there.merged(GCC13, {"a": recording((4,))}, ["a", "b"])
    assert both.find(GCC13, "a") == recording((4,))
    assert both.find(GCC12, "c") == recording((3,))
    again = both.merged(GCC12, {"a": recording((5,))}, ["a", "b"])
    assert again.find(GCC12, "a") == recording((5,))
    assert again.find(GCC12, "b") == recording((2,))
    assert again.find(GCC12, "c") is None
    assert again.find(GCC13, "a") == recording((4,))
    assert len(again.entries) == 2


def test_the_recorder_shows_then_writes_what_changed_and_keeps_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "bridge.hil.yaml"
    path.write_text("model: m.npz\nvectors: [a.npz, b.npz]\ncycles: {per_step: 50}\n")
    case = load_case(path)
    first = Recorder()
    first.add(case, "a.npz", result_with([[10, 20]]))
    first.add(case, "b.npz", result_with([[30], [40]]))
    assert not golden_path(path).exists()
    assert first.write() == [f"{golden_path(path)}: written"]
    before = load_golden(golden_path(path))

    again = Recorder()
    again.add(case, "a.npz", result_with([[10, 20]]))
    assert again.lines()[1].split() == ["bridge", "microbit", "a.npz", "10-10-20", "10-10-20", "unchanged"]
    assert again.write() == [f"{golden_path(path)}: unchanged"]

    slower = Recorder()
    slower.add(case, "a.npz", result_with([[10, 25]], provenance=replace(ORIGIN, firmware="beef")))
    assert slower.lines()[1].split()[3:5] == ["10-10-20", "10-10-25"]
    assert slower.lines()[1].endswith("  1 of 2 steps, most at step 1: +5 (+25.00%)")
    assert slower.write() == [f"{golden_path(path)}: written"]
    after = load_golden(golden_path(path))
    platform = Platform.of(ORIGIN)
    changed = after.find(platform, "a.npz")
    assert changed is not None
    assert (changed.per_step, changed.firmware) == (((10, 25),), "beef")
    assert after.find(platform, "b.npz") == before.find(platform, "b.npz")


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        ([[10, 20, 30], [10, 20, 30]], [[10, 20, 30], [10, 22, 29]], "2 of 6 steps, most at sequence 1, step 1: +2"),
        ([[10, 20, 30]], [[10, 17, 30]], "1 of 3 steps, most at step 1: -3 (-15.00%)"),
        ([[0, 0]], [[0, 12]], "1 of 2 steps, most at step 1: +12"),
        ([[0, 0]], [[0, 0]], "unchanged"),
        ([[10, 20]], [[10, 20, 30]], "3 steps in 1 sequences, before 2 in 1"),
    ],
)
def test_the_recorder_shows_every_change_also_where_min_median_and_max_stay(
    tmp_path: Path, before: list[list[int]], now: list[list[int]], words: str
) -> None:
    path = tmp_path / "bridge.hil.yaml"
    path.write_text("model: m.npz\nvectors: a.npz\ncycles: {per_step: 50}\n")
    case = load_case(path)
    source = result_with([[1]]).cycles.sources[0].source
    old = recording(*map(tuple, before)).model_copy(update={"source": source})
    write_golden(golden_path(path), golden(Platform.of(ORIGIN), **{"a.npz": old}))
    recorder = Recorder()
    recorder.add(case, "a.npz", result_with(now))
    assert words in recorder.lines()[1]


def test_the_recorder_takes_no_cycles_of_a_broken_promise_or_over_the_budget(tmp_path: Path) -> None:
    path = tmp_path / "bridge.hil.yaml"
    path.write_text(
        "model: m.npz\nvectors: a.npz\noutputs: {atol: 0.5}\nstates: {}\ndecisions: {from_step: 0}\n"
        "cycles: {per_step: 50}\n"
    )
    case, recorder = load_case(path), Recorder()
    sound = result_with([[10]])
    expected = replace(sound.vectors, states=sound.states, outputs=sound.outputs, labels=np.zeros(1, np.int64))
    sound = replace(sound, vectors=expected)
    for promise, changes in {
        "bits": {"states_lsb": np.zeros((1, 1, 1), np.int32)},
        "outputs": {"outputs": sound.outputs + 1},
        "states": {"states": sound.states + 1},
        "decisions": {"vectors": replace(expected, labels=None)},
    }.items():
        with pytest.raises(CyclesError, match=f"a.npz in case bridge are not recorded: its promise '{promise}' does"):
            recorder.add(case, "a.npz", replace(sound, **changes))
    with pytest.raises(CyclesError, match="take more than 50 cycles"):
        recorder.add(case, "a.npz", result_with([[51]]))
    assert recorder.lines() == [NOTHING]
    assert recorder.write() == []
    recorder.add(case, "a.npz", sound)
    assert recorder.write() == [f"{golden_path(path)}: written"]
