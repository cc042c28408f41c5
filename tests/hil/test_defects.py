"""Wrong firmware turns the run red: each defect is built from real sources, flashed, and run on the emulated board."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hil.board import load_board
from hil.dut.dut import Dut, open_dut
from hil.errors import LinkError, TargetFault
from hil.golden import run_integer, run_reference
from hil.model import load_model
from hil.resources import cache_dir
from hil.vectors import load_vectors
from tests.host_c import REPO
from tests.networks import END_OF_SCALE, Case, end_of_scale, random_case, steep

if TYPE_CHECKING:
    from pathlib import Path

NETWORKS = REPO / "examples" / "networks"
pytest_plugins = ["pytester"]

CACHE = cache_dir()  # asked for now, as pytester changes HOME
CASES = ("linear_maps", "irregular", "basicmotions", "dead_inputs", "unfold1")


@dataclass(frozen=True)
class Defect:
    """One edit of one source file."""

    name: str
    file: str
    right: str
    wrong: str

    def plant(self, root: Path) -> None:
        """Make the edit in a copy of firmware/."""
        path = root / self.file
        source = path.read_text()
        assert source.count(self.right) == 1, f"{self.right!r} is {source.count(self.right)} times in {self.file}"
        path.write_text(source.replace(self.right, self.wrong))


LTC, CHECK, MATH, CRC, AGENT = "ltc/ltc.c", "ltc/ltc_check.c", "ltc/ltc_math.c", "ltc/ltc_crc.c", "agent/agent.c"
DEFECTS = [
    Defect(
        "sigmoid table off by one",
        MATH,
        "[magnitude >> LTC_SIGMOID_STEP_BITS]",
        "[(magnitude >> LTC_SIGMOID_STEP_BITS) + 1]",
    ),
    Defect(
        "power table off by one", MATH, "[fraction >> LTC_POWER_STEP_BITS]", "[(fraction + 256) >> LTC_POWER_STEP_BITS]"
    ),
    Defect("no interpolation", MATH, "magnitude & ((1u << LTC_SIGMOID_STEP_BITS) - 1u)", "magnitude & 0u"),
    Defect("one shift too many", MATH, "(power * upper) >> FRACTION_BITS", "(power * upper) >> (FRACTION_BITS + 1)"),
    Defect("tails not as small", LTC, "synapse->weight_shift - (int32_t)open.exponent", "synapse->weight_shift"),
    Defect("sigmoid cut at 16", MATH, "(struct ltc_sigmoid){power, exponent};", "(struct ltc_sigmoid){0, 0};"),
    Defect("sigmoid not mirrored", MATH, "(struct ltc_sigmoid){ONE - upper, 0}", "(struct ltc_sigmoid){upper, 0}"),
    Defect(
        "epsilon and leak dropped",
        LTC,
        "(uint64_t)neuron->den_hi << 32 | neuron->den_lo",
        "(uint64_t)neuron->den_hi << 32 | 1u",
    ),
    Defect("stale state", LTC, "net->next[j] =", "net->state[j] ="),
    Defect("one unfold fewer", LTC, "turn < net->unfolds", "turn + 1 < net->unfolds"),
    Defect("one unfold more", LTC, "turn < net->unfolds", "turn <= net->unfolds"),
    Defect(
        "swapped synapse",
        LTC,
        "        synapse += neuron->synapses;",
        "        synapse += neuron->synapses == 2 ? 1 : neuron->synapses;",
    ),
    Defect(
        "source off by one", LTC, "source[synapse->slope_source & 0xFF]", "source[(synapse->slope_source ^ 1) & 0xFF]"
    ),
    Defect("sign of the reversal", LTC, "num -= (int64_t)", "num += (int64_t)"),
    Defect(
        "sign of a large slope", LTC, "synapse->slope_source >> 8)", "(int32_t)((uint32_t)synapse->slope_source >> 8))"
    ),
    Defect("argument over 32 bits not cut", LTC, "argument = limit;", "argument = argument;"),
    Defect("argument under 32 bits not cut", LTC, "argument = -limit;", "argument = argument;"),
    Defect("elapsed ignored", LTC, "ltc_rate(net->unfolds, elapsed)", "ltc_rate(net->unfolds, 1u << LTC_ELAPSED_FRAC)"),
    Defect("capacitance doubled", MATH, "+ 22 - 31", "+ 22 - 30"),
    Defect("change not rounded", LTC, "(size << STATE_BITS) + (divisor >> 1)", "size << STATE_BITS"),
    Defect("leak of the first neuron alone", LTC, "ltc_leak(&net->neuron[j])", "ltc_leak(&net->neuron[0])"),
    Defect("output offset dropped", LTC, ">> output->shift) + output->offset", ">> output->shift)"),
    Defect(
        "outputs from the last neurons",
        LTC,
        "ltc_multiply(net->state[k], output->gain)",
        "ltc_multiply(net->state[net->neurons - 1u - k], output->gain)",
    ),
    Defect("quotient one bit short", MATH, "bit < 32; bit++", "bit < 31; bit++"),
    Defect(
        "clamp at +FULL_SCALE dropped",
        LTC,
        "change > room ? LTC_FULL_SCALE : (int32_t)((uint32_t)state + change)",
        "(int32_t)((uint32_t)state + change)",
    ),
    Defect(
        "clamp at -FULL_SCALE dropped",
        LTC,
        "change > room ? -LTC_FULL_SCALE : (int32_t)((uint32_t)state - change)",
        "(int32_t)((uint32_t)state - change)",
    ),
    Defect("state not reset", LTC, "        net->state[j] = 0;", "        (void)j;"),
    Defect("not reset when opened", CHECK, "    ltc_reset(net);\n", ""),
    Defect("state not set", LTC, "        net->state[j] = state[j];", "        (void)state[j];"),
    Defect(
        "wrong endianness of elapsed",
        AGENT,
        "error = ltc_step(&agent->net, (const int32_t *)&words[1], words[0],",
        "error = ltc_step(&agent->net, (const int32_t *)&words[1], __builtin_bswap32(words[0]),",
    ),
    Defect(
        "stale image",
        AGENT,
        "agent->memory.arena[offset + i] = bytes[i];",
        "agent->memory.arena[offset + i] |= bytes[i];",
    ),
    Defect(
        "states of the first step", AGENT, "(void)ltc_get_state(", "if (agent->states[0] == 0) (void)ltc_get_state("
    ),
    Defect("CRC wrong", CRC, "0xEDB88320u", "0xEDB88321u"),
]


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda d: d.name.replace(" ", "-"))
def test_a_defect_turns_the_run_red(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, defect: Defect) -> None:
    root = tmp_path / "firmware"
    shutil.copytree(REPO / "firmware", root)
    defect.plant(root)
    monkeypatch.setenv("HIL_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path / "state"))
    assert _is_caught(root), f"'{defect.name}' passed {', '.join(CASES)} on the emulated board"


def test_without_a_defect_the_run_is_green() -> None:
    assert not _some_bit_differs(REPO / "firmware")


def _is_caught(root: Path) -> bool:
    """Whether the run is red in any way: a bit differs, or the link or the target's own checks object."""
    try:
        return _some_bit_differs(root)
    except (LinkError, TargetFault):
        return True


def _some_bit_differs(root: Path) -> bool:
    with open_dut(load_board("microbit"), firmware_root=root) as dut:
        for name in CASES:
            model = load_model(NETWORKS / f"{name}.model.npz")
            vectors = load_vectors(NETWORKS / f"{name}.vectors.npz", model)
            if not dut.run(model, vectors, check=False).bits_equal:
                return True
        # The reference networks have no negative slope, few shapes, and none comes to the end of its scale.
        shapes = (random_case(np.random.default_rng(seed), 5 + seed, 3, 0.7, seed / 4, steps=3) for seed in range(6))
        differs = any(_differs(dut, case) for case in (steep(), *shapes, end_of_scale()))
        return differs or not _opens_at_zero(dut, end_of_scale())


def _opens_at_zero(dut: Dut, case: Case) -> bool:
    """Whether a network opened where another left its states is at zero; in a run the harness itself sets them."""
    with dut._connection.guard() as client:
        client.load_image(case.converted.image)
        return not client.get_state().any()


def _differs(dut: Dut, case: Case) -> bool:
    got = dut.run_image(case.converted.image, case.inputs, case.elapsed, case.state0)
    wanted = run_integer(case.converted.image, case.inputs, case.elapsed, case.state0)
    return any(not np.array_equal(*pair) for pair in zip(got, wanted, strict=True))


ALL = {"bits", "outputs", "states"}
FAILING = {
    "one unfold fewer": {"bridge": ALL, "scale": {"bits", "states"}},
    "sign of the reversal": {"bridge": ALL},
    "change not rounded": {"bridge": {"bits"}, "scale": {"bits"}},
    "clamp at +FULL_SCALE dropped": {"scale": {"bits"}},
    "state not reset": {"bridge": ALL, "scale": {"bits", "states"}},
}


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A user's folder with two cases, each of two sequences from zero."""
    monkeypatch.setenv("HIL_CACHE_DIR", str(CACHE))
    monkeypatch.setenv("HIL_STATE_DIR", str(pytester.path / "state"))
    with np.load(NETWORKS / "tiny_dense.vectors.npz") as archive:
        halves = archive["inputs"].reshape(2, 100, -1)
    shutil.copy(NETWORKS / "tiny_dense.model.npz", pytester.path / "bridge.model.npz")
    np.savez(pytester.path / "scale.model.npz", **END_OF_SCALE)
    for name, inputs in (("bridge", halves), ("scale", np.zeros((2, 40, 1)))):
        model = load_model(pytester.path / f"{name}.model.npz")
        states, outputs = run_reference(model, inputs, np.ones(inputs.shape[:2]), np.zeros(model.neurons))
        np.savez(pytester.path / f"{name}.vectors.npz", inputs=inputs, states=states, outputs=outputs)
        files = f"model: {name}.model.npz\nvectors: {name}.vectors.npz\n"
        promises = "outputs: {atol: 0.001}\nstates: {max_error: 0.001}\n"
        (pytester.path / f"{name}.hil.yaml").write_text(files + promises)
    return pytester


@pytest.mark.parametrize("name", [None, *FAILING], ids=lambda name: (name or "none").replace(" ", "-"))
def test_a_user_s_pytest_names_the_promises_that_a_defect_breaks(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, name: str | None
) -> None:
    if name is not None:
        root = project.path / "firmware"
        shutil.copytree(REPO / "firmware", root)
        next(defect for defect in DEFECTS if defect.name == name).plant(root)
        monkeypatch.setattr("hil.build.firmware_dir", lambda: root)
        monkeypatch.setenv("HIL_CACHE_DIR", str(project.path / "cache"))
    result = project.runpytest("--board=microbit", "--hil-backend=qemu", "-rf")
    broken = {f"{case}.hil.yaml::{item}[microbit]" for case, items in FAILING.get(name, {}).items() for item in items}
    result.assert_outcomes(passed=6 - len(broken), failed=len(broken))
    assert set(re.findall(r"^FAILED (\S+)", str(result.stdout), re.MULTILINE)) == broken
    assert result.ret == (pytest.ExitCode.TESTS_FAILED if broken else pytest.ExitCode.OK)
