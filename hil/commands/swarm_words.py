"""What ``hil swarm`` says beside its tables: where it ran, what telling of anomalies alone saves, the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hil.swarm.compare import Compared
    from hil.swarm.energy import EnergyModel
    from hil.swarm.run import SwarmRun

_NO_TIME = "nothing tells where the time of a board on the desk goes"


def place(compared: Compared) -> list[str]:
    """On what the nodes ran: a line, and one more for each bridge of the desk."""
    twins = [row for row in compared.rows if not row.attached]
    desk = [row for row in compared.rows if row.attached]
    bus = f"twins in virtual time, one bus at {_mhz(twins[0].watched.clock_hz)}" if twins else ""
    if not desk:
        return [f"{len(twins)} nodes, {bus}"]
    others = f"{len(twins)} {bus}; " if twins else ""
    return [
        f"{len(compared.rows)} nodes, {others}{len(desk)} on the desk in the time of the wall, a bridge each",
        *(f"  {row.name}: {row.watched.address} at {_mhz(row.watched.clock_hz)}" for row in desk),
    ]


def _mhz(hz: int) -> str:
    return f"{hz / 1e6:g} MHz"


def savings(compared: Compared) -> Iterator[str]:
    """What telling of anomalies alone saves, or costs."""
    watched, sampled = compared.watched, compared.sampled
    yield f"bytes on the bus: {_instead(watched.bus_bytes, sampled.bus_bytes)}"
    if watched.wakes is not None and sampled.wakes is not None:
        yield f"hub wake-ups: {_instead(watched.wakes, sampled.wakes)}"
    else:
        yield "hub wake-ups: not told, as the twins had one hub and the desk another"
    missing = [model.missing for model in compared.models.values() if model.missing]
    hub = compared.hub
    if missing or hub is None:
        yield f"energy: not modelled: {'; '.join(dict.fromkeys(missing)) or _NO_TIME}"
        return
    yield from _sources(compared)
    inferring = sum(row.watched_mJ or 0.0 for row in compared.rows)
    sending = sum(row.sampled_mJ or 0.0 for row in compared.rows)
    with_hub = inferring + hub.watched_mJ
    yield f"nodes alone, of which each makes its own steps: {_instead(inferring, sending)}"
    yield f"with a hub of the same kind that only reads: {_instead(with_hub, sending + hub.sampled_mJ)}"
    computing = _instead(with_hub, sending + hub.computing_mJ)
    yield f"with one that makes the steps of the samples itself, in as many cycles: {computing}"


def _sources(compared: Compared) -> Iterator[str]:
    """Supply and currents; of each board where they differ."""
    boards: dict[tuple[float | None, tuple[str, ...]], list[str]] = {}
    models: dict[tuple[float | None, tuple[str, ...]], EnergyModel] = {}
    for name, model in compared.models.items():
        boards.setdefault((model.supply_V, model.sources), []).append(name)
        models[model.supply_V, model.sources] = model
    for key, model in models.items():
        of = f" of {' and '.join(boards[key])}" if len(models) > 1 else ""
        yield f"energy in mJ, modelled from typical currents{of} at {model.supply_V:g} V:"
        for source in model.sources:
            yield f"  {source}"
    yield "  the oscillator and the timer that wake a node up are not in them"


def retries(run: SwarmRun) -> Iterator[str]:
    """What had to be tried again, of each node where something had."""
    repairs = [f"{name} {node.repairs}" for name, node in run.nodes.items() if node.repairs]
    if repairs:
        yield f"repairs of the link: {', '.join(repairs)}"
    for name, node in run.nodes.items():
        for sentence in node.flash_retries:
            yield f"flashing node '{name}': {sentence}"


def conclusion(compared: Compared) -> str:
    """The verdict in a sentence."""
    verdicts = [row.verdict for row in compared.rows]
    expected = sum(verdict.expected for verdict in verdicts)
    if compared.problems:
        missed, false = sum(verdict.missed for verdict in verdicts), sum(verdict.false for verdict in verdicts)
        return f"FAILED: of {expected} anomalies of the reference run {missed} missed, {false} false"
    same, more = sum(verdict.float64_same for verdict in verdicts), sum(verdict.float64_more for verdict in verdicts)
    bits = f"outputs and states of {len(compared.rows)} nodes equal the exact integer model's in every bit"
    if not expected:
        return (
            "the reference run has no anomaly, so that none could be missed, and nothing was tested but bits: "
            f"{bits}; float64: {more or 'none either'}"
        )
    others = f", and {more} others" if more else ""
    return (
        f"all {expected} anomalies of the reference run were told, none missed, none false; {bits}; "
        f"float64: {same} of {expected} the same{others}"
    )


def _instead(now: float, before: float) -> str:
    digits = 0 if isinstance(now, int) else 3
    both = f"{now:.{digits}f} instead of {before:.{digits}f}"
    if not before:  # a hub that never slept never woke up
        return both
    share = 100 * (1 - now / before)
    return f"{both}, {share:.1f} % saved" if share >= 0 else f"{both}, {-share:.1f} % more"
