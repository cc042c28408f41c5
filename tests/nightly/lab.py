"""A made-up lab of boards whose nights are known beforehand: what pytest would have written into results.json."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hil.nightly.board_run import BoardRun
from hil.pytest_run.reporter import session_code
from hil.report.tally import Entry, Tally

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from hil.quarantine import Quarantine

FIRST_NIGHT = dt.datetime(2026, 3, 1, 3, 30, tzinfo=dt.UTC)
CASES = ("bridge", "lane", "wrist")
NO_END = "no end"
CABLE = "rig: board '{}' answers no more: the probe is gone"


def time_of(night: int) -> dt.datetime:
    return FIRST_NIGHT + dt.timedelta(days=night)


@dataclass(frozen=True)
class LabBoard:
    """A board and what happens to it.

    Attributes:
        name: its name.
        current: what its current is multiplied by, by night.
        cycles: what its cycles are multiplied by.
        flash: what is added to its flash, in bytes.
        compiler: its compiler.
        fails: class of its failures on a night, or nothing; `NO_END` where its run has to be ended.
        rng: of its noise; by default the lab's, from which every board takes its turn.
    """

    name: str
    current: Callable[[int], float] = lambda _: 1.0
    cycles: Callable[[int], float] = lambda _: 1.0
    flash: Callable[[int], int] = lambda _: 0
    compiler: Callable[[int], str] = lambda _: "arm-none-eabi-gcc 12.2.1"
    fails: Callable[[int], str] = lambda _: ""
    rng: np.random.Generator | None = None


@dataclass
class Lab:
    """Boards with the noise of real ones.

    Attributes:
        boards: what is on the desk.
        rng: of the noise.
        noise: spread of a night's average current: one unit of an instrument, the same range; half as much of a case's.
        alike: how much of one night's noise is in the next, as with a room's temperature.
        spikes: probability of a night whose current is off by a fifth.
        cable: probability that a healthy board's probe does not answer on a night.
    """

    boards: tuple[LabBoard, ...]
    rng: np.random.Generator
    noise: float = 0.006
    alike: float = 0.3
    spikes: float = 0.01
    cable: float = 0.005
    _warmth: dict[str, float] = field(default_factory=dict)

    def night(self, night: int, quarantine: Quarantine) -> list[BoardRun]:
        """What each board's run of a night gives."""
        return [self._run(board, night, quarantine) for board in self.boards]

    def _run(self, board: LabBoard, night: int, quarantine: Quarantine) -> BoardRun:
        rng = board.rng or self.rng
        fails = board.fails(night) or ("rig" if rng.random() < self.cable else "")
        warmth = self.alike * self._warmth.get(board.name, 0.0) + rng.normal(0, self.noise)
        self._warmth[board.name] = warmth
        tests, runs, tally = [], {}, Tally()
        for number, case in enumerate(CASES[:1] if fails == NO_END else CASES):
            entry = quarantine.find(board.name, case)
            broken = fails == "rig" or (fails and fails != NO_END and number == 1)
            subject = {"file": f"{case}.hil.yaml", "case": case, "vectors": case, "board": board.name}
            figures = {} if fails == "rig" else self._figures(board, night, number, warmth)
            run = None if broken and fails in {"rig", "link"} else f"{case}.hil.yaml::{case}/{case}[{board.name}]"
            outcome = ("error" if run is None else "failed") if broken else "passed"
            message = CABLE.format(board.name) if fails == "rig" else f"{fails}: {case} on {board.name} differs"
            tried = {name: figures[name] for name in ("firmware", "image")} if fails == "link" and run is None else {}
            test = {
                "nodeid": f"{case}.hil.yaml::bits[{board.name}]",
                "outcome": "quarantined" if broken and entry else outcome,
                "verdict": fails if broken else None,
                "message": message if broken else None,
                "text": message if broken else None,
                "run": run,
            }
            more = {"promise": "bits", "quarantine": entry.words if entry else None, "difference": None}
            tests.append(subject | test | more | tried)
            tally.add(Entry(test["nodeid"], test["outcome"], test["verdict"] or "", message, {}, subject))
            if run is not None:
                runs[run] = subject | figures
        results = {"tests": tests, "runs": runs, "not_measured": [], "uncollected": 0}
        if fails == NO_END:
            return BoardRun(board.name, None, results, f"board '{board.name}': the run took longer than 120 min")
        broken = any(entry.outcome in {"failed", "error"} for entry in tally.entries)
        return BoardRun(board.name, session_code(int(broken), tally, quarantine.expired_for([board.name])), results, "")

    def _figures(self, board: LabBoard, night: int, case: int, warmth: float) -> dict[str, Any]:
        rng = board.rng or self.rng
        spike = 1.2 if rng.random() < self.spikes else 1.0
        current = 900 * board.current(night) * (1 + warmth + rng.normal(0, self.noise / 2)) * spike
        median = round((6000 + 800 * case) * board.cycles(night) * (0.97 if "13" in board.compiler(night) else 1))
        firmware = hashlib.sha256(f"{board.name}{night // 3}{board.compiler(night)}".encode()).hexdigest()[:16]
        return {
            "backend": "hardware",
            "backend_version": "",
            "emulated": False,
            "where": "hardware",
            "reason": None,
            "probe": f"066{board.name}",
            "link": "uart",
            "firmware": firmware,
            "compiler": board.compiler(night),
            "flags": "-Os",
            "core": "cortex-m0plus",
            "model": "net",
            "image": f"{case:012x}",
            "solver": "fused, 6 unfolds",
            "steps": 200,
            "bits_equal": True,
            "bits_compared": 32000,
            "max_error": 5.2e-5 * (case + 1),
            "outputs_error": 3.1e-4 * (case + 1),
            "retries": 0,
            "noticed": [],
            "size": {"flash_bytes": 15000 + board.flash(night), "flash_limit": 16384}
            | {"ram_bytes": 4000, "ram_limit": 8192},
            "cycles": {"source": "on-chip SysTick", "reason": None, "min": median - 20, "median": median}
            | {"max": median + 900, "per_step": _flat(median)},
            "energy": {
                "kind": "measured",
                "how": "measured",
                "source": "PPK2 unit 1",
                "reason": None,
                "average_uA": current,
            }
            | {"min_uJ": current / 310, "median_uJ": current / 300, "max_uJ": current / 290, "supply_V": 3.0}
            | {"without": [], "per_step_uJ": _flat(current / 300)},
        }


def _flat(value: float) -> dict[str, Any]:
    return {"sequences": 1, "steps": 2, "first": [0, 1], "low": [value] * 2, "median": [value] * 2, "high": [value] * 2}
