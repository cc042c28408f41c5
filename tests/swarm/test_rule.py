"""The rule in Python over whole runs, and the rule in C step by step, find the same anomalies."""

from __future__ import annotations

import ctypes
import subprocess
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hil.frame import RuleKind
from hil.link.watch import SHIFT_MOST, DeviceRule
from hil.swarm.rule import find_anomalies
from tests.host_c import REPO

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = REPO / "firmware" / "agent" / "rule.c"
WORDS = st.integers(-(2**31), 2**31 - 1) | st.integers(-2, 2)
CASES = st.tuples(st.integers(1, 3), st.integers(1, 40), st.integers(1, 5)).flatmap(
    lambda shape: st.tuples(
        arrays(np.int32, shape, elements=WORDS, fill=st.nothing()),
        st.builds(
            DeviceRule,
            st.sampled_from(RuleKind),
            st.integers(0, shape[2] - 1),
            st.integers(1, 6),
            WORDS,
            st.tuples(*[st.integers(0, SHIFT_MOST)] * shape[2]),
        ),
    )
)


class CRule(ctypes.Structure):
    _fields_ = [
        ("kind", ctypes.c_uint32),
        ("output", ctypes.c_uint32),
        ("steps", ctypes.c_uint32),
        ("threshold", ctypes.c_int32),
        ("shifts", ctypes.POINTER(ctypes.c_uint32)),
        ("run", ctypes.c_uint32),
    ]


def compiled(folder: Path, old: str = "", new: str = "") -> ctypes.CDLL:
    text = SOURCE.read_text()
    assert not old or text.count(old) == 1, old
    source, library = folder / "rule.c", folder / "rule.so"
    source.write_text(text.replace(old, new) if old else text)
    command = ["gcc", "-std=c11", "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", f"-I{SOURCE.parent}"]
    subprocess.run([*command, str(source), "-o", str(library)], check=True)
    loaded = ctypes.CDLL(str(library))
    loaded.rule_take.restype = ctypes.c_bool
    return loaded


def found_by_c(library: ctypes.CDLL, rule: DeviceRule, outputs: np.ndarray) -> list[tuple[int, int]]:
    shifts = (ctypes.c_uint32 * len(rule.shifts))(*rule.shifts)
    c_rule = CRule(rule.kind, rule.output, rule.steps, rule.threshold, shifts, 77)
    found = []
    for number, sequence in enumerate(outputs):
        library.rule_begin(ctypes.byref(c_rule))
        for step, row in enumerate(np.ascontiguousarray(sequence)):
            pointer = row.ctypes.data_as(ctypes.POINTER(ctypes.c_int32))
            if library.rule_take(ctypes.byref(c_rule), pointer, len(row)):
                found.append((number, step))
    return found


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    return compiled(tmp_path_factory.mktemp("rule"))


@settings(max_examples=600, deadline=None)
@given(case=CASES)
def test_both_find_the_same(library: ctypes.CDLL, case: tuple[np.ndarray, DeviceRule]) -> None:
    outputs, rule = case
    assert found_by_c(library, rule, outputs) == find_anomalies(rule, outputs)


def test_the_most_shift_is_the_same_in_c() -> None:
    header = (SOURCE.parent / "rule.h").read_text()
    assert f"#define RULE_SHIFT_MOST {SHIFT_MOST}u" in header


def test_once_a_run_and_not_from_one_sequence_into_the_next() -> None:
    held = np.array([[0, 1, 1, 1, 1, 0, 1, 1], [1, 0, 1, 1, 0, 0, 0, 1]], np.int32)[..., None]
    rule = DeviceRule(RuleKind.ABOVE, 0, 2, 0)
    assert find_anomalies(rule, held) == [(0, 2), (0, 7), (1, 3)]


def test_of_equal_outputs_the_first_is_the_largest() -> None:
    outputs = np.array([[[5, 5, 1]]], np.int32)
    rules = [DeviceRule(RuleKind.LARGEST, k, 1, shifts=(0, 0, 0)) for k in range(3)]
    assert [find_anomalies(rule, outputs) for rule in rules] == [[(0, 0)], [], []]


def test_the_largest_is_the_largest_in_its_own_unit() -> None:
    # The second counts twice.
    outputs = np.array([[[5, 3, 1]], [[7, 3, 1]], [[6, 3, 1]], [[-7, -3, -8]]], np.int32)
    rules = [DeviceRule(RuleKind.LARGEST, k, 1, shifts=(0, 1, 0)) for k in range(3)]
    assert [find_anomalies(rule, outputs) for rule in rules] == [[(1, 0), (2, 0)], [(0, 0), (3, 0)], []]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("rule->run == rule->steps;", "rule->run == rule->steps + 1u;"),
        ("outputs[rule->output] > rule->threshold", "outputs[rule->output] >= rule->threshold"),
        ("i < own ?", "i <= own ?"),
        ("i < own ?", "own == count ?"),
        ("whole == b && more", "whole == b && (more || !more)"),
        ("return whole > b || (whole == b && more);", "return whole > b && (more || !more);"),
        ("return a > b >> (a_shift - b_shift);", "return a > b;"),
        (
            "void rule_begin(struct rule *rule) {\n    rule->run = 0;",
            "void rule_begin(struct rule *rule) {\n    (void)rule;",
        ),
        ("rule->run <= rule->steps", "rule->run < rule->steps"),
    ],
    ids=[
        "counts one too far",
        "at the threshold",
        "larger than itself",
        "the last of equal ones",
        "what is left counts as more",
        "what is left is nothing",
        "in a unit of its own",
        "runs on into the next",
        "tells each step",
    ],
)
def test_the_cases_tell_a_wrong_rule(tmp_path: Path, old: str, new: str) -> None:
    wrong = compiled(tmp_path, old, new)
    rng = np.random.default_rng(1)
    for _ in range(400):
        outputs = rng.integers(-2, 3, (3, 12, 3)).astype(np.int32)
        shifts = tuple(map(int, rng.integers(0, 2, 3)))
        kind = RuleKind(int(rng.integers(2)))
        rule = DeviceRule(kind, int(rng.integers(3)), int(rng.integers(1, 4)), shifts=shifts)
        if found_by_c(wrong, rule, outputs) != find_anomalies(rule, outputs):
            return
    pytest.fail("no case tells it")
