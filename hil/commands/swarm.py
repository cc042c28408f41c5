"""``hil swarm``: a hub and many nodes on one SPI bus; what telling of anomalies alone saves against every sample."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.table import Table

from hil.commands.output import progress_bar
from hil.commands.swarm_words import conclusion, place, retries, savings
from hil.report.json_file import prepare_json, write_json
from hil.swarm.compare import compare_runs
from hil.swarm.nodes_file import load_swarm

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hil.swarm.compare import Compared, HubEnergy, NodeRow
    from hil.swarm.run import NodeRun, SwarmRun
    from hil.swarm.spent import Spent

_SPENT_DIGITS: Final = 3
_WIDTH: Final = 160  # no figure is cut off, however narrow the terminal


@dataclass(frozen=True)
class SwarmRequest:
    """What ``hil swarm`` was asked for.

    Attributes:
        nodes: the nodes file.
        json: where the result goes, if anywhere.
    """

    nodes: Path
    json: Path | None


def swarm(request: SwarmRequest, console: Console) -> int:
    """Run the nodes twice, and print what they told, took and saved.

    Returns:
        The exit code: 0, or 1 where an anomaly of the reference run was missed or added, or any bit differs.

    Raises:
        HilError: a file that cannot be used, or a node that failed; the message names it.
    """
    nodes = load_swarm(request.nodes)
    if request.json is not None:
        folder = request.nodes.parent
        reads = [folder / name for node in nodes.says.nodes for name in (node.model, node.recordings)]
        prepare_json(request.json, reads=(request.nodes, *reads))
    with progress_bar(console, "nodes", 2 * len(nodes.says.nodes)) as advance:
        compared = compare_runs(nodes, lambda _name: advance())
    if request.json is not None:
        write_json(request.json, as_json(compared))  # first: whoever reads what is printed may stop reading
    _print(compared, console)
    return 1 if compared.problems else 0


def _print(compared: Compared, console: Console) -> None:
    wide = Console(file=console.file, width=max(console.width, _WIDTH), soft_wrap=True, highlight=False, markup=False)
    for line in place(compared):
        console.print(line)
    console.print()
    console.print("anomalies alone:")
    wide.print(_table(compared.rows, baseline=False))
    _print_hub(compared.watched, console)
    console.print()
    console.print("baseline, every sample sent:")
    wide.print(_table(compared.rows, baseline=True))
    _print_hub(compared.sampled, console)
    console.print()
    for sentence in savings(compared):
        console.print(sentence)
    for sentence in compared.problems:
        console.print(sentence, style="red")
    console.print(conclusion(compared))


def _print_hub(run: SwarmRun, console: Console) -> None:
    console.print(_hub(run))
    for line in retries(run):
        console.print(line, style="yellow")


def _table(rows: Sequence[NodeRow], *, baseline: bool) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("node", no_wrap=True)
    table.add_column("network", no_wrap=True)
    numbers = ["steps", "told", "reference", "float64", "missed", "false"] if not baseline else ["samples"]
    for heading in (*numbers, "bytes", "transactions", "awake s", "asleep s", "stopped s", "energy mJ"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        run = row.sampled if baseline else row.watched
        verdict = row.verdict
        float64 = f"{verdict.float64_same}" + (f"+{verdict.float64_more}" if verdict.float64_more else "")
        missed = verdict.missed if verdict.expected else "-"  # none could be
        told = (verdict.found, verdict.expected, float64, missed, verdict.false) if not baseline else ()
        energy = row.sampled_mJ if baseline else row.watched_mJ
        table.add_row(
            row.name,
            row.network,
            *map(str, (run.totals.steps, *told, run.bus_bytes, run.transactions)),
            *_spent_cells(run.spent),
            "-" if energy is None else f"{energy:.3f}",
        )
    return table


def _spent_cells(spent: Spent | None) -> tuple[str, str, str]:
    if spent is None:
        return ("-", "-", "-")
    awake, asleep, stopped = (
        f"{seconds:.{_SPENT_DIGITS}f}" for seconds in (spent.awake_s, spent.asleep_s, spent.stopped_s)
    )
    return awake, asleep, stopped


def _hub(run: SwarmRun) -> str:
    wakes = "" if run.wakes is None else f"{run.wakes} wake-ups, "
    awake = "" if run.hub is None else f", awake for {run.hub.awake_s:.{_SPENT_DIGITS}f} of {run.hub.total_s:.1f} s"
    return f"hub: {wakes}{run.bus_bytes} bytes on the bus{awake}"


def as_json(compared: Compared) -> dict[str, Any]:
    """The same for scripts: times in seconds, energies in millijoules, null where they are not modelled."""
    return {
        "place": " ".join(each.strip() for each in place(compared)),
        "nodes": [
            {
                "name": row.name,
                "network": row.network,
                "on_the_desk": row.attached,
                "missed": row.verdict.missed,
                "false": row.verdict.false,
                "reference": row.verdict.expected,
                "float64": {"same": row.verdict.float64_same, "more": row.verdict.float64_more},
                "problems": [*row.verdict.problems, *row.sample_problems],
                "anomalies": _run_json(row.watched, row.watched_mJ, with_found=True),
                "samples": _run_json(row.sampled, row.sampled_mJ, with_found=False),
            }
            for row in compared.rows
        ],
        "hub": {
            "anomalies": _hub_json(compared.watched),
            "samples": _hub_json(compared.sampled),
            "energy_mJ": _hub_energy_json(compared.hub),
        },
        "energy": {
            board: {"supply_V": model.supply_V, "sources": model.sources, "not_modelled": model.missing or None}
            for board, model in compared.models.items()
        },
        "problems": compared.problems,
    }


def _run_json(run: NodeRun, energy: float | None, *, with_found: bool) -> dict[str, Any]:
    found = [{"sequence": sequence, "step": step, "outputs": outputs} for sequence, step, outputs in run.found]
    return {
        **asdict(run.totals),
        "bridge": run.address,
        "clock_hz": run.clock_hz,
        "bus_bytes": run.bus_bytes,
        "transactions": run.transactions,
        "repairs": run.repairs,
        "flash_retries": run.flash_retries,
        "duration_s": run.duration_s,
        "spent": None if run.spent is None else asdict(run.spent),
        "energy_mJ": energy,
        **({"told": found} if with_found else {}),
    }


def _hub_energy_json(hub: HubEnergy | None) -> dict[str, float] | None:
    if hub is None:
        return None
    return {"watched": hub.watched_mJ, "sampled": hub.sampled_mJ, "computing": hub.computing_mJ}


def _hub_json(run: SwarmRun) -> dict[str, Any]:
    return {"wakes": run.wakes, "bus_bytes": run.bus_bytes, "spent": None if run.hub is None else asdict(run.hub)}
