from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.case import load_case
from hil.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """\
# a bridge
model: bridge.npz
vectors: bridge_vectors.npz
outputs: {atol: 0.01}
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "bridge.hil.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def complaint(folder: Path, text: str) -> str:
    path = write(folder, text)
    with pytest.raises(InputError) as caught:
        load_case(path)
    assert str(path) in caught.value.message
    return str(caught.value)


def test_a_small_case_promises_bits_and_outputs(tmp_path: Path) -> None:
    case = load_case(write(tmp_path, GOOD))
    assert case.name == "bridge"
    assert case.model_path == tmp_path / "bridge.npz"
    assert case.vector_paths == (tmp_path / "bridge_vectors.npz",)
    assert case.promises == ("bits", "outputs")
    assert (case.line_of("bits"), case.line_of("outputs")) == (2, 4)
    assert case.says.outputs is not None
    assert case.says.outputs.atol == 0.01


def test_a_full_case_has_one_promise_for_each_section(tmp_path: Path) -> None:
    text = """\
model: m.npz
vectors: [a.npz, sub/b.npz]
outputs: {atol: 2^-3}
decisions: {from_step: 4, equal: reference}
states: {}
cycles: {per_step: 40000}
current: {average_uA: 900}
energy: {per_step_uJ: 3.5}
harvest: {power_uW: 50, capacitor_uF: 100, v_on: 2.2, v_off: 1.8}
boards: [microbit]
links: [uart]
timeout_s: 20
"""
    case = load_case(write(tmp_path, text))
    assert case.promises == ("bits", "outputs", "states", "decisions", "cycles", "current", "energy", "harvest")
    assert case.vector_paths == (tmp_path / "a.npz", tmp_path / "sub/b.npz")
    says = case.says
    assert says.outputs is not None
    assert says.states is not None
    assert says.decisions is not None
    assert (says.outputs.atol, says.states.max_error, says.decisions.from_step) == (0.125, 2.0**-10, 4)
    assert says.harvest is not None
    assert (says.harvest.checkpoint_steps, says.harvest.hours, says.harvest.inferences_per_hour) == (1, 0.25, None)
    assert (says.boards, says.links, says.timeout_s) == (("microbit",), ("uart",), 20.0)


@pytest.mark.parametrize(
    ("line", "number", "key", "words"),
    [
        ("output: {atol: 1}", 5, "output", "did you mean 'outputs'"),
        ("states: {maxerror: 0.1}", 5, "states.maxerror", "did you mean 'max_error'"),
        ("cycles:\n  per_stp: 4", 6, "cycles.per_stp", "did you mean 'per_step'"),
        ("states: {max_error: 2^x}", 5, "states.max_error", "number"),
        ("states: {max_error: 0}", 5, "states.max_error", "greater than 0"),
        ("states: {max_error: .inf}", 5, "states.max_error", "finite"),
        ("states: {max_error: true}", 5, "states.max_error", "number"),
        ("states: {max_error: 2^999}", 5, "states.max_error", "less than 1"),
        ("states: {max_error: 1}", 5, "states.max_error", "less than 1"),
        ("states: {max_error: -2^-10}", 5, "states.max_error", "number"),
        ("outputs: {atol: .nan}", 4, "outputs.atol", "finite"),
        ("outputs: {atol: 1.0e+300}", 4, "outputs.atol", "less than or equal to"),
        ("outputs: {atol: -0.1}", 4, "outputs.atol", "greater than 0"),
        ("cycles: {per_step: -.inf}", 5, "cycles.per_step", "finite"),
        ("cycles: {per_step: 1.0e+300}", 5, "cycles.per_step", "less than or equal to"),
        ("current: {average_uA: .nan}", 5, "current.average_uA", "finite"),
        ("current: {average_uA: 1.0e+10}", 5, "current.average_uA", "less than or equal to"),
        ("energy: {per_step_uJ: 1.0e+10}", 5, "energy.per_step_uJ", "less than or equal to"),
        ("decisions: {from_step: -1}", 5, "decisions.from_step", "greater than or equal to 0"),
        ("decisions: {from_step: 99999999999999999999}", 5, "decisions.from_step", "less than 2147483648"),
        ("timeout_s: .inf", 5, "timeout_s", "finite"),
        ("timeout_s: 1.0e+9", 5, "timeout_s", "less than or equal to 604800"),
        ("decisions: {from_step: 1.5}", 5, "decisions.from_step", "integer"),
        ("decisions: {equal: labels}", 5, "decisions.equal", "'reference'"),
        ("cycles: {per_step: '9'}", 5, "cycles.per_step", "number"),
        ("current: 900", 5, "current", "dictionary"),
        ("links: [i2c]", 5, "links", "'uart' or 'spi'"),
        ("timeout_s: -1", 5, "timeout_s", "greater than 0"),
        ("energy: {}", 5, "energy.per_step_uJ", "missing"),
        ("harvest: {power_uW: 50}", 5, "harvest.capacitor_uF", "missing"),
        ("harvest:\n  power_uw: 50", 6, "harvest.power_uw", "did you mean 'power_uW'"),
        ("harvest: {power_uW: 50, capacitor_uF: 1, v_on: 1.8, v_off: 1.8}", 5, "harvest", "must be below v_on"),
        (
            "harvest: {power_uW: 50, capacitor_uF: 1, v_on: 2, v_off: 1, checkpoint_steps: 0}",
            5,
            "harvest",
            "or equal to 1",
        ),
    ],
)
def test_a_mistake_is_named_with_file_line_and_key(
    tmp_path: Path, line: str, number: int, key: str, words: str
) -> None:
    text = GOOD.replace("outputs: {atol: 0.01}", line) if line.startswith("outputs:") else f"{GOOD}{line}\n"
    said = complaint(tmp_path, text)
    assert f", line {number}, key '{key}" in said
    assert words in said


@pytest.mark.parametrize("key", ["outputs", "decisions", "states", "cycles", "current", "energy", "harvest"])
@pytest.mark.parametrize("value", ["", " ~", " null"])
def test_an_empty_promise_is_refused_rather_than_taken_for_none(tmp_path: Path, key: str, value: str) -> None:
    text = complaint(tmp_path, f"model: m.npz\nvectors: v.npz\n{key}:{value}\n")
    assert f"line 3, key '{key}': is empty, which says nothing" in text


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    assert "key 'model': missing" in complaint(tmp_path, "vectors: a.npz\n")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("# nothing\n", "is empty"),
        ("- model\n", "keys and values"),
        ("model: [\n", "line 2 is not valid YAML"),
        ("model: a\nmodel: b\n", 'found duplicate key "model"'),
        ("model: a\nvectors: [a.npz, a.npz]\n", "'a.npz' is named twice".replace("'", "")),
        ("model: a\nvectors: []\n", "key 'vectors'"),
        ("model: a\nvectors: b\nsince: 2026-11-31\n", "line 3: there is no such value as 2026-11-31"),
    ],
)
def test_what_is_no_case_at_all_is_said(tmp_path: Path, text: str, words: str) -> None:
    assert words in complaint(tmp_path, text)


@pytest.mark.parametrize("text", ["[" * 5000 + "]" * 5000, "{a: " * 5000 + "1" + "}" * 5000])
def test_a_file_nested_thousands_deep_is_refused(tmp_path: Path, text: str) -> None:
    assert "is nested too deeply" in complaint(tmp_path, f"{GOOD}states: {text}\n")


@pytest.mark.parametrize(
    ("line", "number", "key"),
    [("null: 3", 6, "None"), (": 3", 6, "None"), ("? [1, 2]\n: 3", 6, "(1, 2)"), ("states:\n  ~: 2", 7, "states.None")],
)
def test_a_key_that_is_no_text_is_found(tmp_path: Path, line: str, number: int, key: str) -> None:
    said = complaint(tmp_path, f"{GOOD}\n{line}\n")
    assert f", line {number}, key '{key}': keys should be strings" in said


def test_text_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.hil.yaml"
    path.write_bytes(b"model: \xff\xfe\n")
    with pytest.raises(InputError, match="not UTF-8"):
        load_case(path)
