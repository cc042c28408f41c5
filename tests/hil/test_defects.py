"""Wrong firmware turns the run red: each defect is built from real sources, flashed, and run on the emulated board."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from functools import cache
from itertools import product
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import pytest

from hil.board import load_board
from hil.build import build
from hil.convert import convert
from hil.dut.opening import open_dut
from hil.dut.options import DutOptions
from hil.golden import run_integer, run_reference
from hil.image import ModelImage
from hil.model import load_model
from hil.resources import cache_dir
from hil.solver import Solver, SolverName
from hil.vectors import load_vectors
from tests.firmware.ltc_driver import Driver
from tests.hil.defects import BOARD, Defect, Workshop
from tests.host_c import REPO, build_program
from tests.networks import END_OF_SCALE, Case, end_of_scale, overshooting, random_case, steep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from hil.dut.dut import Dut

    Integers = tuple[np.ndarray, np.ndarray]

NETWORKS = REPO / "examples" / "networks"
pytest_plugins = ["pytester"]

CACHE = cache_dir()  # asked for now, as pytester changes HOME
CASES = ("linear_maps", "irregular", "basicmotions", "dead_inputs", "unfold1")


LTC, CHECK, MATH, WIDE, CRC = (f"ltc/ltc{part}.c" for part in ("", "_check", "_math", "_wide", "_crc"))
TABLES, KERNEL_H, KERNEL, ASSEMBLY = (
    f"ltc/ltc_{part}" for part in ("tables.c", "kernel.h", "kernel.c", "kernel_v6m.S")
)
SOLVER, RK4, ADAPTIVE, EXPONENTIAL = (
    f"ltc/ltc_{part}" for part in ("solver.h", "rk4.c", "adaptive.c", "exponential.c")
)
AGENT = "agent/agent.c"
DEFECTS = [
    Defect("sigmoid table off by one", ASSEMBLY, "lsls    r6, r6, #2\n", "lsls    r6, r6, #2\n    adds    r6, #4\n"),
    Defect("reciprocal table off by one", ASSEMBLY, "subs    r2, #255", "subs    r2, #254"),
    Defect("both tables off by one", ASSEMBLY, "ltc_tables + 192", "ltc_tables + 196"),
    Defect("no interpolation", ASSEMBLY, "    adds    r6, r6, r2\n", ""),
    Defect("interpolation over whole intervals", ASSEMBLY, "    uxth    r2, r2\n", ""),
    Defect("rise with its value", ASSEMBLY, "uxth    r3, r6", "mov     r3, r6"),
    Defect("one shift too many", ASSEMBLY, "lsrs    r6, r6, #17", "lsrs    r6, r6, #18"),
    Defect("last intervals cut", ASSEMBLY, "cmp     r6, #255", "cmp     r6, #239"),
    Defect("shift of an argument ignored", ASSEMBLY, "asrs    r2, r2, r3 ", "asrs    r2, r2, #6 "),
    Defect("closed is open", ASSEMBLY, "    blt     .Lclosed_\\for\n", ""),
    Defect("open is closed", ASSEMBLY, "    blt     .Lclosed_\\for\n", "    b       .Lclosed_\\for\n"),
    Defect("fully open is less", ASSEMBLY, "=32767", "=32766"),
    Defect("source off by one", ASSEMBLY, "uxth    r6, r2\n", "uxth    r6, r2\n    adds    r6, #2\n"),
    Defect("sign of the slope", ASSEMBLY, "asrs    r2, r2, #16", "lsrs    r2, r2, #16"),
    Defect("sign of the reversal", ASSEMBLY, "muls    r5, r6, r5", "rsbs    r5, r5, #0\n    muls    r5, r6, r5"),
    Defect("denominator in the wrong sum", ASSEMBLY, "add     r8, r4", "add     r9, r4"),
    Defect("numerator from the weight", ASSEMBLY, "add     r9, r5", "add     r9, r4"),
    Defect("unconnected neurons are wide", ASSEMBLY, "blt     .Ladvanced", "ble     .Ladvanced"),
    Defect("state without its sign", ASSEMBLY, "asrs    r3, r6, #15", "lsrs    r3, r6, #15"),
    Defect("lower half of the pull dropped", ASSEMBLY, "    adds    r1, r1, r3\n", ""),
    Defect("lower half of the pull with its upper", ASSEMBLY, "    uxth    r3, r3\n", ""),
    Defect("reciprocal's guess not improved", ASSEMBLY, "    subs    r2, r2, r1\n", "    lsrs    r2, r2, #1\n"),
    Defect("capacitance dropped", ASSEMBLY, "lsrs    r2, r4, #16", "movs    r2, #0"),
    Defect("last bit of the change dropped", ASSEMBLY, "adcs    r1, r1, r1", "adds    r1, r1, r1"),
    Defect("quotient not shifted", ASSEMBLY, "    lsls    r1, r1, r0\n", ""),
    Defect("synapse lost behind a small total", ASSEMBLY, "    mov     r0, r10\n", ""),
    Defect("not clamped", ASSEMBLY, "    bvs     .Lbeyond\n", ""),
    Defect(
        "clamp at +FULL_SCALE dropped",
        ASSEMBLY,
        "asrs    r6, r6, #31",
        "cmp     r6, #0\n    bge     .Lstore\n    asrs    r6, r6, #31",
    ),
    Defect(
        "clamp at -FULL_SCALE dropped", ASSEMBLY, ".Lbeyond:  ", ".Lbeyond:\n    cmp     r6, #0\n    blt     .Lstore\n"
    ),
    Defect("clamp to one less", ASSEMBLY, "=0x3FFFFFFF", "=0x3FFFFFFE"),
    Defect("state after the unfold not kept", ASSEMBLY, "    adds    r2, #2\n", ""),
    Defect("synapses of a wide neuron not found", ASSEMBLY, "    str     r0, [r1, #0]\n", ""),
    Defect("state of a wide neuron not found", ASSEMBLY, "    str     r2, [r1, #12]\n", ""),
    Defect("entry of the sigmoid's table", TABLES, "2147485067,", "2147485066,"),
    Defect("entry of the reciprocals' table", TABLES, "254, 250,", "254, 249,"),
    Defect("epsilon and leak dropped", LTC, "(uint32_t)(neuron->den >> LTC_WIDE_FRAC) +", ""),
    Defect("half of an upper bit dropped", LTC, " + LTC_HALF_UPPER;", ";"),
    Defect(
        "leak of the first neuron alone",
        LTC,
        "            set_leak(cell, neuron);",
        "            set_leak(cell, net->neuron);",
    ),
    Defect("stale state", SOLVER, "    net->before = net->after;\n    net->after = swap;\n", "    (void)swap;\n"),
    Defect("state changed while it is read", LTC, "net->before, net->after}", "net->before, net->before}"),
    Defect("one unfold fewer", LTC, "turn < net->unfolds", "turn + 1 < net->unfolds"),
    Defect("one unfold more", LTC, "turn < net->unfolds", "turn <= net->unfolds"),
    Defect("swapped synapse", LTC, "        synapse = end;", "        synapse = neuron->sensory == 2 ? end - 1 : end;"),
    Defect("elapsed ignored", LTC, "net->unfolds, elapsed)", "net->unfolds, 1u << LTC_ELAPSED_FRAC)"),
    Defect("change of elapsed not noticed", LTC, "elapsed != net->elapsed", "net->elapsed == 0"),
    Defect(
        "wide neurons stay wide",
        LTC,
        "sure < LTC_TOTAL_MIN",
        "(sure < LTC_TOTAL_MIN || cell->bytes < 0)",
    ),
    Defect("channel of another input", LTC, "inputs[channel->of]", "inputs[net->inputs - 1u - channel->of]"),
    Defect(
        "channel not clamped", LTC, "(int16_t)ltc_clamped(map(channel, value), 1 << 15)", "(int16_t)map(channel, value)"
    ),
    Defect("input not clamped", LTC, "ltc_clamped(inputs[channel->of], LTC_FULL_SCALE)", "inputs[channel->of]"),
    Defect("map not rounded", LTC, "(int32_t)((1u << map->shift) >> 1)", "0"),
    Defect("output offset dropped", LTC, "net->cell[k].state);", "net->cell[k].state) - net->output[k].offset;"),
    Defect("outputs from the last neurons", LTC, "net->cell[k].state)", "net->cell[net->neurons - 1u - k].state)"),
    Defect("state not reset", LTC, "put_state(net, j, 0);", "put_state(net, j, net->cell[j].state);"),
    Defect("not reset when opened", CHECK, "    ltc_reset(net);\n", ""),
    Defect("state not set", LTC, "        put_state(net, j, state[j]);", "        (void)state[j];"),
    Defect(
        "state put but not for synapses",
        LTC,
        "    *ltc_state(net, j) = state;\n    net->before[j] = (int16_t)(state >> 15);\n",
        "    *ltc_state(net, j) = state;\n",
    ),
    Defect("state set but not for synapses", SOLVER, "    net->before[j] = (int16_t)(state >> 15);\n", ""),
    Defect("elapsed time of another network", LTC, "    net->elapsed = 0; /* so", "    /* so"),
    Defect("capacitance doubled", MATH, "rate->exponent + more", "rate->exponent + more + 1"),
    Defect("capacitance not rounded up", MATH, "scale - shift) + 1u)", "scale - shift))"),
    Defect("rate one bit short", MATH, "bit < 16; bit++", "bit < 15; bit++"),
    Defect("wide neurons given to the kernel", KERNEL_H, "LTC_TOTAL_MIN 1024", "LTC_TOTAL_MIN 1"),
    Defect("limit of wide neurons", KERNEL_H, "LTC_TOTAL_MIN 1024", "LTC_TOTAL_MIN 2048"),
    Defect("wide base not restored", LTC, "        cell->den = den;\n", "        (void)den;\n"),
    Defect("wide numerator not restored", LTC, "        cell->num = num;\n", "        (void)num;\n"),
    Defect("scale of a wide base not restored", LTC, "        cell->rate = below;\n", "        (void)below;\n"),
    Defect("wide neurons left to the kernel", LTC, "        cell->bytes = -1;\n", ""),
    Defect("tails cut", WIDE, "upper) >> 16, distance >> 16}", "upper) >> 16, 63}"),
    Defect("tails not as small", WIDE, "upper) >> 16, distance >> 16}", "upper) >> 16, 0}"),
    Defect("tail between powers of 2", WIDE, "power_of_half(distance & 0xFFFFu)", "power_of_half(0)"),
    Defect("wide sigmoid not mirrored", WIDE, "(struct opening){ONE - upper, 0}", "(struct opening){upper, 0}"),
    Defect("half of a wide upper bit dropped", WIDE, "    cell->den += LTC_HALF_UPPER;\n", ""),
    Defect(
        "capacitance at another scale than wide sums",
        WIDE,
        "LTC_WIDE_FRAC - (int32_t)below)",
        "LTC_WIDE_FRAC + 1 - (int32_t)below)",
    ),
    Defect("synapses of a wide neuron not passed", WIDE, "return synapse + neuron->synapses;", "return synapse;"),
    Defect("explicit solvers with their leak in the total", LTC, "| LTC_ALONE;", "| LTC_SHIFT_MIN;"),
    Defect("adaptive begins with all unfolds", LTC, "LTC_ADAPTIVE ? 1u :", "LTC_ADAPTIVE ? net->unfolds :"),
    Defect("adaptive stops at once", ADAPTIVE, "!agrees(net)", "!(agrees(net) || 1)"),
    Defect("adaptive never stops early", ADAPTIVE, "!agrees(net)", "(!agrees(net) || 1)"),
    Defect("adaptive looks at the first neuron", ADAPTIVE, "            return 0;\n", "            return j > 0;\n"),
    Defect("adaptive looks at rises alone", ADAPTIVE, "change < 0 ? -change : change", "change < 0 ? 0 : change"),
    Defect("adaptive goes on from where it was", ADAPTIVE, "        ltc_put_state(net, j, net->stage[j].first);\n", ""),
    Defect(
        "adaptive compares with the start",
        ADAPTIVE,
        "net->stage[j].last = cell->state",
        "net->stage[j].last = net->stage[j].first",
    ),
    Defect(
        "adaptive does not halve the time", ADAPTIVE, "cell->rate = doubled(cell->rate)", "(void)doubled(cell->rate)"
    ),
    Defect("adaptive does not halve a wide neuron's time", ADAPTIVE, "    net->rate.exponent++;\n", ""),
    Defect("adaptive keeps the time halved", ADAPTIVE, "            net->cell[j].rate = net->stage[j].rate;\n", ""),
    Defect(
        "adaptive keeps a wide neuron's time halved",
        ADAPTIVE,
        "    net->rate.exponent = exponent;\n",
        "    (void)exponent;\n",
    ),
    Defect("adaptive loses a bit of the capacitance", ADAPTIVE, "rate >> 30 == 0", "rate >> 31 == 0"),
    Defect("runge-kutta with equal weights", RK4, "turn == 0 || turn == 3 ? THIRD", "turn == 0 ? THIRD"),
    Defect("runge-kutta's last stage from half way", RK4, "half >> (turn < 2)", "half >> (turn < 3)"),
    Defect("runge-kutta goes on from its stage", RK4, "moved(stage->start, half)", "moved(stage->from, half)"),
    Defect("runge-kutta's sum not started anew", RK4, "        stage->change = 0;\n", ""),
    Defect(
        "runge-kutta beyond the scale",
        RK4,
        "2 * ltc_clamped((from >> 1) + half, LTC_FULL_SCALE / 2)",
        "2 * ((from >> 1) + half)",
    ),
    Defect(
        "exponential without its decay",
        EXPONENTIAL,
        "cell->rate = decayed(cell->rate, cell->den)",
        "(void)decayed(cell->rate, cell->den)",
    ),
    Defect("exponential from table entries alone", EXPONENTIAL, "share & ((1u << LTC_BERNOULLI_BITS) - 1u)", "0"),
    Defect("exponential without any capacitance", EXPONENTIAL, "(left == 0 ? 1u : left)", "left"),
    Defect("exponential of the sums before", EXPONENTIAL, "        cell->den = stage->den;\n", ""),
    Defect("exponential numerator of the sums before", EXPONENTIAL, "        cell->num = stage->num;\n", ""),
    Defect("exponential rate of the unfold before", EXPONENTIAL, "        cell->rate = stage->beside;\n", ""),
    Defect("exponential synapses once a step", EXPONENTIAL, "        cell->bytes = stage->bytes;\n", ""),
    Defect("exponential stale state", EXPONENTIAL, "    ltc_swap(net);\n", ""),
    Defect("entry of the exponential's table", TABLES, "65535, 65535,", "65534, 65535,"),
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

# Of the kernel's specification, which the board does not run: seen on the host.
SPECIFICATION_DEFECTS = [
    Defect("sigmoid table off by one", KERNEL, "ltc_tables.sigmoid[index]", "ltc_tables.sigmoid[index ^ 1u]"),
    Defect("no interpolation", KERNEL, "((uint32_t)position & 0xFFFFu)) >> 17", "(0u & (uint32_t)position)) >> 17"),
    Defect("tails cut", KERNEL, "position < 0 ? 0 : LTC_OPEN", "0"),
    Defect("sign of the reversal", KERNEL, "*num += ", "*num -= "),
    Defect("reciprocal not improved", KERNEL_H, "- total * guess * guess) >> 14", "- (guess << 22)) >> 14"),
    Defect("last bit of the change dropped", KERNEL, "shift > 32 ? 31 : shift - 1)", "shift > 31 ? 31 : shift) * 2"),
    Defect("state not halved", KERNEL, "(num >> 1) -", "num -"),
    Defect("quotient not shifted", KERNEL, "(uint32_t)change << small", "(uint32_t)change << (small & 0u)"),
    Defect("clamp at +FULL_SCALE dropped", KERNEL, "state >= LTC_FULL_SCALE", "state == INT32_MAX"),
    Defect("clamp at -FULL_SCALE dropped", KERNEL, "state < -LTC_FULL_SCALE ?", "state == INT32_MIN ?"),
    Defect("synapses of a wide neuron not found", KERNEL, "        turn->synapse = end;\n", ""),
]


@pytest.mark.parametrize("defect", DEFECTS, ids=str)
def test_a_defect_turns_the_run_red(workshop: Workshop, defect: Defect) -> None:
    caught = workshop.catches(defect, _some_bit_differs)
    assert caught, f"'{defect.name}' passed random networks and {', '.join(CASES)} on the emulated board"


def test_without_a_defect_the_run_is_green() -> None:
    assert not _some_bit_differs(REPO / "firmware")


def test_what_is_built_on_from_the_defect_before_is_what_is_built_anew(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = set()
    for number, defect in enumerate((DEFECTS[0], next(each for each in DEFECTS if each.file == KERNEL_H))):
        with workshop.planted(defect) as on:
            monkeypatch.setenv("HIL_CACHE_DIR", str(tmp_path / str(number)))
            anew = build(load_board(BOARD), firmware_root=workshop.root)
            assert not anew.cached
            assert on.hex is not None
            assert anew.hex is not None
            code = on.hex.read_bytes()
            assert code == anew.hex.read_bytes()
            assert replace(on, elf=anew.elf, hex=anew.hex, bin=anew.bin, map=anew.map, cached=False) == anew
            codes.add(code)
    assert len(codes) == 2


@pytest.mark.parametrize("defect", [None, *SPECIFICATION_DEFECTS], ids=lambda defect: str(defect or "none"))
def test_a_defect_of_the_specification_is_seen_on_the_host(tmp_path: Path, defect: Defect | None) -> None:
    root = tmp_path / "firmware"
    shutil.copytree(REPO / "firmware", root)
    if defect is not None:
        defect.plant(root)
    source = REPO / "tests" / "firmware" / "ltc_driver.c"
    driver = Driver(build_program(tmp_path / "driver", source, *sorted((root / "ltc").glob("ltc*.c"))))

    def run(case: Case) -> Integers:
        return driver.run(case.converted.image, case.inputs, case.elapsed, case.state0, case.model.outputs)

    differs = any(_differs(run, *each) for each in _wanted())
    driver.close()
    assert differs == (defect is not None)


def _shapes() -> Iterator[Case]:
    """What the reference networks lack: negative slopes, wide neurons, many shapes, and ends of scales."""
    yield steep()
    for seed in range(6):
        yield random_case(np.random.default_rng(seed), 5 + seed, 3, 0.7, seed / 4, steps=3)
    for seed, solver in product(range(3), get_args(SolverName)):
        if solver != "fused":
            yield random_case(np.random.default_rng(seed), 4 + seed, 3, 0.7, seed / 2, steps=3, solver=solver)
    adaptive = random_case(np.random.default_rng(5), 6, 3, 0.7, 1.0, steps=4, solver="adaptive")
    yield replace(adaptive, elapsed=np.full_like(adaptive.elapsed, 1 << 22))
    yield wide_and_adaptive()
    yield overshooting()
    yield narrow_channels()
    yield end_of_scale()


def wide_and_adaptive() -> Case:
    """A trained network with wide neurons, whose results agree after other numbers of unfolds in each step."""
    solver = Solver(method="adaptive", error_bound=0.05, unfolds=8)
    model = load_model(NETWORKS / "basicmotions.model.npz").solved_by(solver)
    converted = convert(model)
    inputs = load_vectors(NETWORKS / "basicmotions.vectors.npz", model).inputs[:, :6]
    elapsed, state0 = np.full(inputs.shape[:2], 1 << 22, np.uint32), np.zeros(model.neurons, np.int32)
    return Case(model, converted, converted.quantise_inputs(inputs), elapsed, state0)


def narrow_channels() -> Case:
    """Channels that reach only half of their 16 bits where an input is at its full scale, with inputs beyond it."""
    case = random_case(np.random.default_rng(2), 4, 2, 1.0, 0.5, steps=3)
    image = ModelImage.from_bytes(case.converted.image)
    channel = image.channel.copy()
    channel["gain"], channel["offset"], channel["shift"] = 1 << 14, 0, 14
    converted = replace(case.converted, image=replace(image, channel=channel).to_bytes())
    inputs = np.where(case.inputs < 0, -(2**31), 2**31 - 1).astype(np.int32)
    return replace(case, converted=converted, inputs=inputs)


def _some_bit_differs(root: Path) -> bool:
    """The small networks first: they find most, and a firmware that hangs in one is known to soonest."""
    with open_dut(load_board(BOARD), DutOptions(firmware_root=root)) as dut:

        def run(case: Case) -> Integers:
            return dut.run_image(case.converted.image, case.inputs, case.elapsed, case.state0)

        return (
            any(_differs(run, *each) for each in _wanted()) or not _opens_at_zero(dut, end_of_scale()) or _judged(dut)
        )


def _judged(dut: Dut) -> bool:
    """Whether a bit of a reference network differs, as the harness itself finds."""
    for name in CASES:
        model = load_model(NETWORKS / f"{name}.model.npz")
        vectors = load_vectors(NETWORKS / f"{name}.vectors.npz", model)
        if not dut.run(model, vectors, check=False).bits_equal:
            return True
    return False


def _opens_at_zero(dut: Dut, case: Case) -> bool:
    """Whether a network opened where another left its states is at zero; in a run the harness itself sets them."""
    with dut._connection.guard() as client:
        client.load_image(case.converted.image)
        return not client.get_state().any()


@cache
def _wanted() -> tuple[tuple[Case, Integers], ...]:
    """What the shapes must give."""
    return tuple(
        (case, run_integer(case.converted.image, case.inputs, case.elapsed, case.state0)) for case in _shapes()
    )


def _differs(run: Callable[[Case], Integers], case: Case, wanted: Integers) -> bool:
    return any(not np.array_equal(*pair) for pair in zip(run(case), wanted, strict=True))


ALL = {"bits", "outputs", "states"}
FAILING = {
    "one unfold fewer": {"bridge": ALL, "scale": {"bits", "states"}},
    "sign of the reversal": {"bridge": ALL},
    "last bit of the change dropped": {"bridge": {"bits"}},
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
    arrays: dict[str, Any] = END_OF_SCALE
    np.savez(pytester.path / "scale.model.npz", **arrays)
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
        monkeypatch.setattr("hil.build_plan.firmware_dir", lambda: root)
        monkeypatch.setenv("HIL_CACHE_DIR", str(project.path / "cache"))
    result = project.runpytest("--board=microbit", "--hil-backend=qemu", "-rf")
    broken = {
        f"{case}.hil.yaml::{item}[microbit]" for case, items in FAILING.get(name or "", {}).items() for item in items
    }
    result.assert_outcomes(passed=6 - len(broken), failed=len(broken))
    assert set(re.findall(r"^FAILED (\S+)", str(result.stdout), re.MULTILINE)) == broken
    assert result.ret == (pytest.ExitCode.TESTS_FAILED if broken else pytest.ExitCode.OK)
