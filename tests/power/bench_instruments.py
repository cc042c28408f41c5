"""What simulated analyzers make of the twin's current: ``python -m tests.power.bench_instruments``.

Two runs of the real firmware on the twin, with the current that the board's model says: steps that are sent over UART,
and steps that a node makes by itself, stopped in between; these with 30 times the current too, for other ranges.

Each is played to each simulated instrument, through its real driver: as it is calibrated; reading 98 % of what its
accuracy allows too little and too much; with 1 % of noise; a PPK2 with other calibrations too. Averages of the whole
and of each step are held against the source's own, as shares of the stated accuracy, and of what is told with them,
which counts where a window is cut and chance as well; edges, in samples, against marks or, without a digital channel,
against the current itself.

The bar: averages of the whole within the stated accuracy (with noise, within what is told), each step within what is
told, each edge at its mark within a sample, or within what is told.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Final

from hil.errors import RigError
from hil.report.terminal import table
from tests.power.holding import hold
from tests.power.instruments.desk import ALL, PPK2, PPK2_AMPERE
from tests.power.instruments.ppk2 import CALIBRATION
from tests.power.twin_runs import stopped_run, streamed_run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.power.holding import Held
    from tests.power.instruments.desk import Instrument
    from tests.power.runs import Run

_HEADINGS: Final = (
    "instrument", "reads", "samples", "switches", "true uA", "read uA", "of accuracy", "steps", "step of accuracy",
    "step of told", "edge", "verdict",
)  # fmt: skip
_NUMBERS: Final = frozenset(_HEADINGS[2:11])
_MOST: Final = 0.98


@dataclass(frozen=True)
class Setting:
    """How an instrument is: by what share of its accuracy it is off, noise, and what else its simulation takes."""

    name: str
    off: float = 0.0
    noise: float = 0.0
    device: Mapping[str, Any] = field(default_factory=dict)


def settings_of(instrument: Instrument) -> Iterator[Setting]:
    """Those that are tried."""
    yield Setting("true")
    yield Setting("low", -_MOST)
    yield Setting("high", _MOST)
    yield Setting("1 % noise", noise=0.01)
    if instrument in {PPK2, PPK2_AMPERE}:
        for seed in (1, 2):
            yield Setting(f"calibration {seed}", device={"calibration": other_calibration(seed)})


def other_calibration(seed: int) -> dict[str, tuple[float, ...]]:
    """That of another device: shunts and gains up to 5 % off, offsets up to twice as large."""
    random = Random(seed)
    spread = {"R": (0.95, 1.05), "GI": (0.95, 1.05), "UG": (0.95, 1.05)}
    return {
        name: tuple(value * random.uniform(*spread.get(name, (0.0, 2.0))) for value in values)
        for name, values in CALIBRATION.items()
    }


def measured(run: Run, instrument: Instrument, setting: Setting) -> Held:
    """Measure a run, and hold it.

    Raises:
        RigError: there is nothing to hold, in words.
    """
    source = run.source(instrument.channel, once=True, over_s=instrument.over_s, noise=setting.noise)
    made = instrument.record(source, run.duration_s + 0.001, setting.off, **setting.device)
    return hold(made, instrument, source, least_s=run.least_s)


def fits(held: Held, setting: Setting) -> bool:
    """Whether it meets the bar."""
    return held.holds and (setting.noise > 0 or held.whole <= 1)


def _row(instrument: Instrument, setting: Setting, held: Held) -> tuple[str, ...]:
    return (
        instrument.name,
        setting.name,
        str(held.samples),
        str(held.switches),
        f"{held.true_A * 1e6:.3f}",
        f"{held.read_A * 1e6:.3f}",
        f"{held.whole:.3f}",
        str(held.steps),
        f"{held.worst_step:.3f}",
        f"{held.worst_told:.3f}",
        f"{held.worst_edge:.2f}",
        "holds" if fits(held, setting) else "FAILS",
    )


def _show(run: Run) -> tuple[int, int]:
    """Print a run's table; how many held, and how many failed."""
    rows, refused, failed = [], [], 0
    for instrument in ALL:
        for setting in settings_of(instrument):
            try:
                held = measured(run, instrument, setting)
            except RigError as error:
                refused.append(f"{instrument.name}, {setting.name}: {error.message}")
                continue
            failed += not fits(held, setting)
            rows.append(_row(instrument, setting, held))
    print(f"\n{run.name}: {len(run.windows_s)} steps in {run.duration_s:.3f} s")  # noqa: T201
    print(*table(_HEADINGS, rows, _NUMBERS), sep="\n")  # noqa: T201
    print(*(f"refused: {each}" for each in refused), sep="\n", end="\n" if refused else "")  # noqa: T201
    found = run.source().high_within(0.0, run.duration_s, run.least_s) - run.windows_s
    print(  # noqa: T201
        "an LPM01A has no digital channel: its windows begin where the core wakes up, "
        f"{-found[:, 0].max() * 1e3:.3f} to {-found[:, 0].min() * 1e3:.3f} ms before the mark, and end "
        f"{found[:, 1].min() * 1e3:.3f} to {found[:, 1].max() * 1e3:.3f} ms behind it"
    )
    return len(rows) - failed, failed


def main() -> int:
    """Print tables and a verdict; 0 where all is within the bar."""
    with tempfile.TemporaryDirectory() as folder:
        stopped = stopped_run(Path(folder))
    counts = [_show(run) for run in (streamed_run(), stopped, stopped.times(30))]
    held, failed = (sum(each) for each in zip(*counts, strict=True))
    print(f"\n{held} recordings held, {failed} failed; modelled current, simulated instruments: no device took part")  # noqa: T201
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
