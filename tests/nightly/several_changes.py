"""Rows in which more than one thing happens, or little: what is told of them beside what was planted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hil.nightly.change import find_changes
from hil.nightly.figures import FIGURES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hil.nightly.change import Change

Floats = NDArray[np.float64]

DRIFT_NIGHTS_OFF = 3
NOISE, ALIKE = 0.006, 0.3
"""As in `tests.nightly.lab`: 0.6 % with 0.3 of the night before, and half as much of a case's own."""

Planted = tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Story:
    """What happens to a row.

    Attributes:
        words: the same in words.
        level: of each night; of a counted figure itself, else what 900 uA are multiplied by.
        planted: kind and first night of each change.
        share: of the rows, in which all of it, and no more, must be told.
        at_all: share of the rows of which anything must be told.
        counted: the row has no noise.
        nights: how many it has.
    """

    words: str
    level: Callable[[int], float]
    planted: Planted
    share: float = 1.0
    counted: bool = False
    nights: int = 30
    at_all: float = 0.8

    def row(self, rng: np.random.Generator) -> Floats:
        """One such row."""
        levels = np.array([self.level(night) for night in range(self.nights)], np.float64)
        return levels if self.counted else 900 * levels * (1 + _noise(rng, self.nights))

    def changes(self, row: Floats) -> list[Change]:
        """What is told of it."""
        name = "flash_bytes" if self.counted else "average_uA"
        figure = next(each for each in FIGURES if each.name == name)
        return find_changes(row, smallest=figure.smallest, counted=figure.counted)

    def holds(self, changes: Sequence[Change]) -> bool:
        """Whether that is what was planted: a step on its night, a drift within three of it."""
        return len(changes) == len(self.planted) and all(
            change.kind == kind and abs(change.began - began) <= (DRIFT_NIGHTS_OFF if kind == "drift" else 0)
            for change, (kind, began) in zip(changes, self.planted, strict=True)
        )


def _noise(rng: np.random.Generator, nights: int) -> Floats:
    warmth, found = 0.0, []
    for _ in range(nights):
        warmth = ALIKE * warmth + rng.normal(0, NOISE)
        found.append(warmth + rng.normal(0, NOISE / 2))
    return np.array(found)


def since(night: int, first: int) -> int:
    """Nights since one, with it; 0 before."""
    return max(0, night - first + 1)


COUNTED = (
    Story(
        "+96 on nights 10 and 20",
        lambda n: 15000 + 96 * ((n >= 10) + (n >= 20)),
        (("step", 10), ("step", 20)),
        counted=True,
    ),
    Story(
        "+96 on nights 8, 16 and 23",
        lambda n: 15000 + 96 * ((n >= 8) + (n >= 16) + (n >= 23)),
        (("step", 8), ("step", 16), ("step", 23)),
        counted=True,
    ),
    Story(
        "+10 % on nights 10-19, then back",
        lambda n: 7000 + 700 * (10 <= n < 20),
        (("step", 10), ("step", 20)),
        counted=True,
    ),
    Story(
        "the same, on night 22",
        lambda n: 7000 + 700 * (10 <= n < 20),
        (("step", 10), ("step", 20)),
        counted=True,
        nights=23,
    ),
    Story(
        "+100 on night 10, +4 on night 20",
        lambda n: 15000 + 100 * (n >= 10) + 4 * (n >= 20),
        (("step", 10), ("step", 20)),
        counted=True,
    ),
    Story("+4 a night from night 12 on", lambda n: 15000 + 4 * since(n, 12), (("drift", 12),), counted=True),
    Story(
        "+96 on night 8, +4 a night from 16 on",
        lambda n: 15000 + 96 * (n >= 8) + 4 * since(n, 16),
        (("step", 8), ("drift", 16)),
        counted=True,
    ),
    Story(
        "one night off (15), +96 on night 20",
        lambda n: 15000 + 400 * (n == 15) + 96 * (n >= 20),
        (("step", 20),),
        counted=True,
    ),
)
"""Of figures that are counted, such as flash."""

MEASURED = (
    Story("6 % on nights 10-19, then back", lambda n: 1 + 0.06 * (10 <= n < 20), (("step", 10), ("step", 20)), 0.98),
    Story("the same, on night 24", lambda n: 1 + 0.06 * (10 <= n < 20), (("step", 10), ("step", 20)), 0.8, nights=25),
    Story(
        "6 % on nights 8, 16 and 23, upwards",
        lambda n: 1 + 0.06 * ((n >= 8) + (n >= 16) + (n >= 23)),
        (("step", 8), ("step", 16), ("step", 23)),
        0.88,
    ),
    Story(
        "6 % on nights 7, 14 and 21, up, back, up",
        lambda n: 1 + 0.06 * ((7 <= n < 14) + (n >= 21)),
        (("step", 7), ("step", 14), ("step", 21)),
        0.9,
    ),
    Story(
        "6 % on nights 6-11 and 18-23",
        lambda n: 1 + 0.06 * ((6 <= n < 12) + (18 <= n < 24)),
        (("step", 6), ("step", 12), ("step", 18), ("step", 24)),
        0.8,
    ),
    Story(
        "0.6 % a night from 12 on, and 6 % on night 20",
        lambda n: (1 + 0.006 * since(n, 12)) * (1 + 0.06 * (n >= 20)),
        (("drift", 12), ("step", 20)),
        0.85,
    ),
    Story(
        "6 % on night 8, 0.6 % a night from 16 on",
        lambda n: (1 + 0.006 * since(n, 16)) * (1 + 0.06 * (n >= 8)),
        (("step", 8), ("drift", 16)),
        0.9,
    ),
    Story("0.6 % a night from 12 on", lambda n: 1 + 0.006 * since(n, 12), (("drift", 12),), 0.98),
    Story("0.3 % a night from 12 on", lambda n: 1 + 0.003 * since(n, 12), (("drift", 12),), 0.85),
    Story("0.2 % a night from 12 on", lambda n: 1 + 0.002 * since(n, 12), (("drift", 12),), 0.45, at_all=0.7),
    Story("the same, on night 39", lambda n: 1 + 0.002 * since(n, 12), (("drift", 12),), 0.7, nights=40, at_all=0.98),
)
"""Of a measured current."""


@dataclass(frozen=True)
class Tried:
    """What was told of rows of one story."""

    story: Story
    rows: int
    held: int
    told: int
    kinds: Counter[str]

    @property
    def holds(self) -> bool:
        """Whether the story's bars do."""
        return self.held >= self.story.share * self.rows and self.told >= self.story.at_all * self.rows


def try_story(story: Story, rows: int, seed: int = 1) -> Tried:
    """Rows of a story, and what is told of them."""
    rng = np.random.default_rng(seed)
    found = [story.changes(story.row(rng)) for _ in range(1 if story.counted else rows)]
    kinds = Counter(", ".join(change.kind for change in changes) or "nothing" for changes in found)
    return Tried(story, len(found), sum(map(story.holds, found)), len(found) - kinds["nothing"], kinds)
