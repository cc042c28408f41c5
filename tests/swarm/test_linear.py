"""Time and memory are linear in the nodes: a ratio within one run, so that no machine is too slow for it."""

from __future__ import annotations

from tests.swarm.bench_nodes import measure, measure_apart

FEW, MANY = 8, 32  # all of the example's nodes once, and four times
MOST_MB = 10  # a node: an emulator with its caches


def test_time_and_memory_grow_no_faster_than_the_nodes() -> None:
    measure(1)  # what is compiled or read once
    few, many = measure_apart(FEW), measure_apart(MANY)
    assert many.bus_bytes < 1.02 * MANY / FEW * few.bus_bytes
    seconds = [cost.watched_s + cost.sampled_s for cost in (few, many)]
    assert seconds[1] < 1.8 * MANY / FEW * seconds[0]  # four times as many nodes: 4 were linear, 16 were a square
    # Few are hidden behind what the imports and the conversion took once.
    assert (many.memory_mb - few.memory_mb) / (MANY - FEW) < MOST_MB
