"""What ``hil swarm`` says of runs on twins, on the desk and on both; and of the float64 reference."""

from __future__ import annotations

from dataclasses import replace

from hil.commands.swarm_words import conclusion, place, retries, savings
from hil.link.watch import Totals
from hil.swarm.compare import Compared, HubEnergy, NodeRow
from hil.swarm.energy import EnergyModel
from hil.swarm.judge import Verdict
from hil.swarm.run import NodeRun, SwarmRun
from hil.swarm.spent import Spent

VERDICT = Verdict(found=4, expected=4, float64_same=4, float64_more=0, missed=0, false=0, problems=())
SPENT = Spent(1.0, 0.0, 9.0)
ONE = EnergyModel({"run": 1.0, "sleep": 1.0, "stop": 1.0}, 3.0, ("run 1 uA (one)",), "")


def row(name: str, *, attached: bool = False, verdict: Verdict = VERDICT) -> NodeRow:
    run = NodeRun(
        address="spidev:/dev/spidev0.0" if attached else f"twin of node '{name}'",
        clock_hz=4_000_000 if attached else 8_000_000,
        totals=Totals(10, 4, 0, 0, 0, 100),
        found=(),
        bus_bytes=100,
        transactions=5,
        repairs=0,
        flash_retries=(),
        duration_s=10.0,
        spent=None if attached else SPENT,
    )
    return NodeRow(name, attached, "net", run, run, verdict, (), 1.0, 2.0)


def compared(*rows: NodeRow, models: dict[str, EnergyModel] | None = None) -> Compared:
    mixed = len({each.attached for each in rows}) > 1
    desk = any(each.attached for each in rows)
    run = SwarmRun({each.name: each.watched for each in rows}, None if mixed else 7, None if desk else SPENT)
    return Compared(rows, run, run, None if desk else HubEnergy(0.5, 1.0, 1.5), models or {"one": ONE})


def test_each_bridge_of_the_desk_is_told_with_its_clock() -> None:
    assert place(compared(row("a"), row("b"))) == ["2 nodes, twins in virtual time, one bus at 8 MHz"]
    assert place(compared(row("a"), row("b", attached=True))) == [
        "2 nodes, 1 twins in virtual time, one bus at 8 MHz; 1 on the desk in the time of the wall, a bridge each",
        "  b: spidev:/dev/spidev0.0 at 4 MHz",
    ]
    assert (
        place(compared(row("b", attached=True)))[0] == "1 nodes, 1 on the desk in the time of the wall, a bridge each"
    )


def test_a_run_with_two_hubs_has_no_figures_of_one() -> None:
    lines = list(savings(compared(row("a"), row("b", attached=True))))
    assert lines[1:] == [
        "hub wake-ups: not told, as the twins had one hub and the desk another",
        "energy: not modelled: nothing tells where the time of a board on the desk goes",
    ]
    assert "hub wake-ups: 7 instead of 7, 0.0 % saved" in savings(compared(row("a"), row("c")))


def test_a_hub_that_never_slept_saves_no_share_of_nothing() -> None:
    both = compared(row("a"))
    never = replace(both, sampled=replace(both.sampled, wakes=0))
    assert "hub wake-ups: 7 instead of 0" in savings(never)


def test_supply_and_sources_of_each_board_where_they_differ() -> None:
    other = replace(ONE, supply_V=1.8, sources=("run 2 uA (two)",))
    lines = list(savings(compared(row("a"), models={"one": ONE, "two": other, "three": ONE})))
    assert lines[2:6] == [
        "energy in mJ, modelled from typical currents of one and three at 3 V:",
        "  run 1 uA (one)",
        "energy in mJ, modelled from typical currents of two at 1.8 V:",
        "  run 2 uA (two)",
    ]
    assert "energy in mJ, modelled from typical currents at 3 V:" in savings(compared(row("a")))


def test_every_board_without_a_model_is_named() -> None:
    models = {name: replace(ONE, missing=f"no run of {name}") for name in ("one", "two")}
    lines = list(savings(compared(row("a"), models=models)))
    assert lines[-1] == "energy: not modelled: no run of one; no run of two"


def test_what_had_to_be_tried_again_is_told_and_nothing_where_nothing_had() -> None:
    a, b, c = (row(name).watched for name in "abc")
    assert not list(retries(SwarmRun({"a": a, "b": b}, 7, SPENT)))
    nodes = {"a": replace(a, repairs=2), "b": b, "c": replace(c, repairs=1, flash_retries=("opened anew", "once more"))}
    assert list(retries(SwarmRun(nodes, 7, SPENT))) == [
        "repairs of the link: a 2, c 1",
        "flashing node 'c': opened anew",
        "flashing node 'c': once more",
    ]


def test_where_the_reference_has_no_anomaly_nothing_is_said_to_have_been_told() -> None:
    none = replace(VERDICT, found=0, expected=0, float64_same=0)
    text = conclusion(compared(row("a", verdict=none), row("b", verdict=none)))
    assert text.startswith("the reference run has no anomaly, so that none could be missed, and nothing was tested but")
    assert text.endswith("float64: none either")
    assert "all 0" not in text
    one = replace(none, float64_more=1)
    assert conclusion(compared(row("a", verdict=one))).endswith("float64: 1")
    false = replace(none, false=1, problems=("told something",))
    assert conclusion(compared(row("a", verdict=false))).startswith("FAILED")
    assert conclusion(compared(row("a", verdict=none), row("b"))).startswith("all 4 anomalies")


def test_what_the_float64_reference_has_is_told_and_no_failure() -> None:
    assert conclusion(compared(row("a"), row("b"))).endswith("; float64: 8 of 8 the same")
    other = replace(VERDICT, float64_same=3, float64_more=2)
    text = conclusion(compared(row("a"), row("b", verdict=other)))
    assert text.startswith("all 8 anomalies of the reference run were told")
    assert text.endswith("; float64: 7 of 8 the same, and 2 others")
