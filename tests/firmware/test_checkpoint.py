"""A checkpoint is either the last one that was whole or the one being written, wherever the power goes."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.firmware.checkpoint_driver import (
    CUT,
    ERR_ORDER,
    ERR_ROOM,
    ERR_STATE,
    ERR_WRITE,
    NONE,
    OK,
    STORE_WORDS,
    Store,
    compiled,
)
from tests.host_c import REPO

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

NEURONS = 5
WORDS = NEURONS + 2
FIRST, SECOND, THIRD = (3, -4, 5, 0, 1 << 29), (3, 17, 5, 9, -7), (11, -4, 6, 2, 0)
FIRST_THE_HEADER = """
    if (checkpoint->store->write(at + 4u * count - 8u, &words[count - 2u], 2u) != 2u) {
        return false;
    }
    const uint32_t done = """
DEFECTS = {
    "no CRC, a mark alone": [
        ("words[count - 1u] == crc_of(checkpoint);", "words[count - 1u] == crc_of(checkpoint) * 0u + 0x600DF00Du;"),
        ("words[checkpoint->count - 1u] = crc_of(checkpoint);", "words[checkpoint->count - 1u] = 0x600DF00Du;"),
    ],
    "a single slot": [("4u * checkpoint->count * slot;", "4u * checkpoint->count * (slot & 2u);")],
    "a header with a CRC of its own that is written first": [
        ("checkpoint->words, 4u * (checkpoint->count - 1u));", "&checkpoint->words[checkpoint->count - 2u], 4u);"),
        ("    const uint32_t done = ", FIRST_THE_HEADER),
    ],
    "the older slot is taken": [("steps != than && steps - than < 0x80000000u", "steps - than >= 0x80000000u")],
    "the newer slot is written over": [("checkpoint->slot = slot ^ 1u;", "checkpoint->slot = slot;")],
}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture
def store(program: Path) -> Iterator[Store]:
    store = Store(program, NEURONS)
    yield store
    store.close()


def tear(store: Store, before: Sequence[int], states: Sequence[int], steps: int) -> Iterator[None]:
    """A save over a content, with its power gone at each word that it changes and with each bit wrong there."""
    store.fill(before)
    store.boot()
    result, changed = store.save(steps, states)
    assert result == OK
    after = store.content
    places = [at for at, (old, new) in enumerate(zip(before, after, strict=True)) if old != new]
    assert len(places) == changed
    for word, place in enumerate(places):
        for torn in {each ^ bit for each in (before[place], after[place]) for bit in (0, *(1 << n for n in range(32)))}:
            store.fill(before)
            store.boot()
            assert store.save(steps, states, cut=word, torn=torn)[0] == CUT
            yield


def check_every_cut(store: Store) -> None:
    """Saves one after the other, each torn in every way; what is taken afterwards is whole, and the newest that is."""
    saves = [(1, FIRST), (2, SECOND), (7, THIRD), (8, THIRD), (9, FIRST)]
    content = [0] * STORE_WORDS
    last: tuple[int, int, tuple[int, ...]] = (NONE, 0, ())
    torn = whole = 0
    for steps, states in saves:
        store.fill(content)
        store.boot()
        store.save(steps, states)
        after = store.content
        new = (OK, steps, states)
        for _ in tear(store, content, states, steps):
            taken = store.boot()
            expected = new if store.content == after else last
            assert taken[:2] == expected[:2]
            if expected[0] == OK:
                assert taken == expected
            whole += expected == new
            torn += expected == last
            # and it goes on from there
            assert store.save(steps + 1, SECOND)[0] == OK
            assert store.boot() == (OK, steps + 1, SECOND)
        content, last = after, new
    assert torn > 30 * whole > 0


def test_a_cut_at_every_word_with_every_bit(store: Store) -> None:
    check_every_cut(store)


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_is_seen(tmp_path: Path, name: str) -> None:
    store = Store(compiled(tmp_path, DEFECTS[name]), NEURONS)
    with pytest.raises(AssertionError):
        check_every_cut(store)
    store.close()


STATES = st.tuples(*[st.sampled_from([0, 1, -1]) | st.integers(-(1 << 30), (1 << 30) - 1)] * NEURONS)


@settings(max_examples=60, deadline=None)
@given(
    lives=st.lists(
        st.tuples(
            st.lists(st.tuples(st.integers(1, 1000), STATES), max_size=4),
            st.integers(0, 30),
            st.integers(0, 2**32 - 1),
        ),
        max_size=12,
    ),
    begin=st.integers(0, 2**32 - 1),
    noise=st.lists(st.integers(0, 2**32 - 1), min_size=2 * WORDS, max_size=2 * WORDS),
)
def test_lives_between_cuts(
    program: Path,
    lives: list[tuple[list[tuple[int, tuple[int, ...]]], int, int]],
    begin: int,
    noise: list[int],
) -> None:
    """Whatever lay there before, and however often the power goes: nothing but what was saved is ever taken."""
    store = Store(program, NEURONS)
    try:
        store.fill([*noise, *[0] * (STORE_WORDS - len(noise))])
        last: tuple[int, int, tuple[int, ...]] | None = None
        steps = begin
        for saves, cut, torn in lives:
            result, *found = store.boot()
            assert (None if result == NONE else (result, *found)) == last
            steps = begin if last is None else last[1]
            left = cut
            for by, states in saves:
                steps = (steps + by) % 2**32
                result, changed = store.save(steps, states, cut=left, torn=torn)
                if result == CUT:
                    content = store.content
                    slots = [content[at : at + WORDS] for at in (0, WORDS)]
                    words = [word & 0xFFFFFFFF for word in (*states, steps)]
                    if any(slot[:-1] == words for slot in slots) and store.boot()[:2] == (OK, steps):
                        last = (OK, steps, states)
                    break
                assert result == OK
                last = (OK, steps, states)
                left -= changed
    finally:
        store.close()


def test_only_words_that_change_are_written(store: Store) -> None:
    store.boot()
    assert store.save(1, FIRST) == (OK, WORDS - 1)  # one state is 0
    assert store.save(2, SECOND)[1] <= WORDS
    changed = sum(a != b for a, b in zip(FIRST, THIRD, strict=True))
    assert store.save(3, THIRD) == (OK, changed + 2)
    assert store.save(4, SECOND) == (OK, 2), "number and CRC alone"


def test_another_network_finds_nothing_and_takes_the_place(store: Store) -> None:
    store.boot()
    store.save(41, FIRST)
    store.save(42, SECOND)
    assert store.boot(network=8)[0] == NONE
    assert store.save(1, THIRD)[0] == OK
    assert store.boot(network=8) == (OK, 1, THIRD)


def test_the_number_of_steps_only_goes_up_and_wraps(store: Store) -> None:
    store.boot()
    assert store.save(0xFFFFFFFE, FIRST)[0] == OK
    for steps in (0xFFFFFFFE, 0xFFFFFFFD, 0x7FFFFFFE):
        assert store.save(steps, SECOND)[0] == ERR_ORDER
    assert store.boot() == (OK, 0xFFFFFFFE, FIRST)
    assert store.save(1, SECOND)[0] == OK
    assert store.boot() == (OK, 1, SECOND)
    assert store.save(2, THIRD)[0] == OK
    assert store.boot() == (OK, 2, THIRD)


def test_a_word_that_is_not_taken_leaves_the_last_checkpoint(store: Store) -> None:
    store.boot()
    store.save(1, FIRST)
    assert store.save(2, SECOND, stuck=WORDS + 3)[0] == ERR_WRITE
    assert store.boot() == (OK, 1, FIRST)
    assert store.save(2, SECOND)[0] == OK


def test_it_compiles_from_its_copied_folders_as_its_header_says(tmp_path: Path) -> None:
    for name in ("checkpoint", "ltc"):
        shutil.copytree(REPO / "firmware" / name, tmp_path / name)
    lines = (tmp_path / "checkpoint/checkpoint.h").read_text().splitlines()
    example = [line[7:] for line in lines if line.startswith(" *     ") and "|" not in line]
    assert len(example) == 7, example
    outside, inside = "\n".join(example[:2]), "\n".join(example[2:])
    for shown, meant in (("{ ... }", "return 1;"), ("(...)", "(&net, inputs, LTC_ELAPSED_MIN, outputs)")):
        assert inside.count(shown) == 1, inside
        inside = inside.replace(shown, meant)
    program = f"""#include "checkpoint.h"
        void my_read(uint32_t offset, uint32_t *words, uint32_t count);
        uint32_t my_write(uint32_t offset, const uint32_t *words, uint32_t count);
        extern struct ltc net;
        extern int32_t inputs[], outputs[];
        extern uint32_t image_crc;
        {outside}
        int main(void) {{ {inside} }}"""
    (tmp_path / "main.c").write_text(program)
    flags = ("-std=c11", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-Icheckpoint", "-Iltc")
    arm = ("-mcpu=cortex-m0", "-mthumb", "-ffreestanding")
    for compiler in (("gcc",), ("arm-none-eabi-gcc", *arm)):
        for source in ("main.c", "checkpoint/checkpoint.c"):
            command = [*compiler, *flags, "-c", source, "-o", "out.o"]
            done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr


def test_room(store: Store) -> None:
    assert store.open(room=8 * WORDS) == OK
    assert store.open(room=8 * WORDS - 1) == ERR_ROOM
    assert store.open(words=WORDS - 1) == ERR_ROOM
    store.boot(first=64, room=8 * WORDS)
    store.save(1, FIRST)
    store.save(2, SECOND)
    touched = [at for at, word in enumerate(store.content) if word]
    assert min(touched) >= 16
    assert max(touched) < 16 + 2 * WORDS


def test_states_that_the_runtime_refuses_are_told(store: Store) -> None:
    store.boot()
    store.save(1, (1 << 30, 0, 0, 0, 0))  # which no runtime would give
    assert store.boot()[0] == ERR_STATE
