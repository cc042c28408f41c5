"""The results of a made-up night that has something of everything that a report shows."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from hil.report.details import current_details
from hil.report.page import Page, Trend
from hil.report.series import series_of
from hil.report.waveform import Waveform

EVIL = "<script>document.title = 'broken in'</script>"
LONG = "a_case_with_a_name_that_nobody_would_want_to_type_but_that_somebody_has_given_it_all_the_same"
POST_MORTEM = """\
target fault: the firmware on board 'nucleo-l031' has stopped: running, in HardFault
  caused by: the core was running, in HardFault
r0=00000000 r1=20000400 r2=00000001 r3=00000000 r4=00000000 r5=20000118 r6=00000000 r7=2000012c pc=08000c04 lr=fffffff9
  hint: arm-none-eabi-addr2line -f -e agent.elf 0x8000c04"""


def run(board: str, case: str, *, emulated: bool, longer: int = 1) -> dict[str, Any]:
    rng = np.random.default_rng(7)
    steps = 3000 * longer
    cycles = (6300 + 400 * rng.random((4, steps)) + 900 * (np.arange(steps) % 300 < 20)).astype(int)
    return {
        "file": f"{case}.hil.yaml",
        "case": case,
        "vectors": f"{case}_test",
        "board": board,
        "backend": "twin" if emulated else "hardware",
        "backend_version": "Unicorn 2.1.4" if emulated else "",
        "emulated": emulated,
        "where": "twin (emulated)" if emulated else "hardware",
        "reason": "no board attached" if emulated else None,
        "probe": f"emulated:{board}" if emulated else "066AFF515055657867112233",
        "link": "uart",
        "firmware": "1656bfd9bf2c3dc7",
        "compiler": "arm-none-eabi-gcc 12.2.1",
        "flags": "-Os",
        "core": "cortex-m0plus",
        "model": case,
        "image": "eeca6b06e302",
        "solver": "fused, 6 unfolds",
        "steps": 4 * steps,
        "bits_equal": case != LONG,
        "bits_compared": 1152000,
        "max_error": 5.2e-5,
        "outputs_error": 3.1e-4,
        "retries": 0,
        "noticed": [],
        "size": {"flash_bytes": 15012, "flash_limit": 16384, "ram_bytes": 3984, "ram_limit": 8192},
        "cycles": {
            "source": "model: twin, Cortex-M0+ timing" if emulated else "on-chip SysTick",
            "reason": None,
            "min": 6300,
            "median": 6500,
            "max": 7600,
        }
        | {"per_step": series_of(cycles)},
        "energy": {
            "kind": "modelled" if emulated else "measured",
            "how": "modelled" if emulated else "measured",
            "source": "data sheet, table 27" if emulated else "PPK2",
            "reason": None,
        }
        | {"average_uA": 912.0, "average_uncertainty_uA": 91.0, "maximum_average_uA": None, "supply_V": 3.0}
        | {"min_uJ": 3.1, "median_uJ": 3.2, "max_uJ": 3.7, "shares": {"run": 0.4, "sleep": 0.6}, "without": ["TIM2"]}
        | {"per_step_uJ": series_of(cycles * 5e-4)},
        "current": current_details(waveform(emulated=emulated, longer=longer)),
    }


def waveform(*, emulated: bool, longer: int = 1) -> Waveform:
    """Forty steps of 2 ms, 3 ms apart, or so many times more; of one piece nobody knows the current."""
    edges = np.cumsum(np.tile([0.003, 0.002], 40 * longer))
    current = np.where(np.arange(len(edges) - 1) % 2 == 0, 1.2e-3, 4e-4)
    current[20] = np.nan
    most = 1.3 * current if emulated else None
    windows = np.stack([edges[:-1:2], edges[1::2]], axis=1)
    return Waveform("modelled" if emulated else "measured", "data sheet, table 27", edges, current, windows, most)


def test_of(run_name: str, of: dict[str, Any], promise: str, **changes: Any) -> dict[str, Any]:
    names = ("file", "case", "vectors", "board")
    return {
        "nodeid": f"{of['file']}::{promise}[{of['board']}]",
        "outcome": "passed",
        "verdict": None,
        "message": None,
        "text": None,
        "quarantine": None,
        "run": run_name,
        "difference": None,
        "promise": promise,
        **{name: of[name] for name in names},
    } | changes


def sample_results(longer: int = 1) -> dict[str, Any]:
    """Its results; the runs may be so many times longer."""
    runs = {
        "a": run("nucleo-l031", "bridge", emulated=True, longer=longer),
        "b": run("nucleo-l031", LONG, emulated=True, longer=longer),
        "c": run("desk", "bridge", emulated=False, longer=longer),
    }
    steps = np.arange(61)
    expected = np.sin(steps / 9)
    obtained = expected + 0.2 * (steps >= 30) * np.cos(steps / 3)
    difference = {"array": "outputs", "unit": "model", "sequence": 3, "step": 130, "element": 0, "allowed": 0.01}
    numeric = "numeric: bridge on nucleo-l031, twin (emulated): other outputs than bridge.npz expects"
    tests = [
        test_of("a", runs["a"], "bits"),
        test_of("a", runs["a"], "outputs")
        | {"outcome": "failed", "verdict": "numeric", "message": numeric}
        | {"text": f"{numeric}\noutputs: 31 of 200 elements differ, first at step 130\nIndex | Obtained | Expected"}
        | {"difference": difference | {"first": 100, "obtained": obtained.tolist(), "expected": expected.tolist()}},
        test_of("b", runs["b"], "bits")
        | {"outcome": "error", "verdict": "target fault", "message": POST_MORTEM.split("\n", maxsplit=1)[0]}
        | {"text": POST_MORTEM},
        test_of("c", runs["c"], "bits")
        | {"outcome": "quarantined", "verdict": "rig", "message": f"rig: {EVIL}", "text": f"rig: {EVIL}", "run": None}
        | {"quarantine": "desk is in quarantine from 2026-11-20 to 2026-12-04: the probe drops off the hub"},
        test_of("c", runs["c"], "current") | {"outcome": "skipped", "message": "current not measured", "run": None},
    ]
    return {
        "format": "hil results",
        "version": 1,
        "tests": copy.deepcopy(tests),
        "runs": runs,
        "not_measured": ["current not measured: no current source on board 'desk'"] * 2,
        "uncollected": 0,
    }


def sample_page(longer: int = 1) -> Page:
    nights = [f"2026-11-{day:02d}" for day in range(1, 31)]
    rng = np.random.default_rng(8)
    current = [900 + float(rng.normal(0, 4)) + 6 * max(0, night - 17) for night in range(30)]
    return Page(
        title="night of nucleo-l031, desk",
        when="2026-11-30 03:12 UTC",
        code=1,
        sessions=[sample_results(longer)],
        commit="5408287aa012",
        said=["quarantine file q.yaml, line 8: the quarantine of desk/lane (was mended) ended on 2026-11-20"],
        trends=[
            Trend(
                "bridge on desk, hardware", "average current in uA", nights, current, [18], ["average current drifts"]
            ),
            Trend(
                "bridge on desk, hardware",
                "longest step in cycles",
                nights,
                [7600.0] * 15 + [7700.0] * 15,
                [15],
                ["a step"],
            ),
            Trend("bridge on desk, hardware", "flash that the firmware takes in bytes", nights, [15012.0] * 30),
        ],
        proposals=["board 'desk' was disturbed on 5 of its last 14 nights; proposed for quarantine until 2026-12-14"],
    )
