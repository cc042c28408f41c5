"""One entry of the history: what one night gave for one case and its vectors on one board. Pure data."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from hil.report.facts import run_title

FORMAT: Final = "hil history"
VERSION: Final = 1

Outcome = Literal["passed", "failed", "error", "skipped", "quarantined"]
LARGEST_FIGURE: Final = 1e15
"""No figure that is kept is larger: so far a model's numbers go, and whole ones are exact."""
AHEAD: Final = dt.timedelta(days=1)
"""What is dated further ahead of now was dated by a wrong clock."""

Finite = Annotated[float, Field(allow_inf_nan=False, ge=-LARGEST_FIGURE, le=LARGEST_FIGURE)]


def _in_utc(time: dt.datetime) -> dt.datetime:
    try:
        return time.astimezone(dt.UTC)
    except OverflowError as error:
        raise ValueError("no date that can be told in UTC") from error


Time = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class _Read(BaseModel):
    """Keys that a later hil of the same version adds are passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Place(_Read):
    """On what the figures were got, and from which source each comes: figures are compared where all of it is equal.

    Attributes:
        backend: ``hardware``, ``qemu``, ``twin`` or ``native``.
        emulated: no silicon took part.
        compiler: with its version.
        flags: what it was told.
        link: ``uart`` or ``spi``.
        cycles: what counted the cycles; empty where nothing did.
        energy: kind and source of current and energy; empty where there is neither.
    """

    backend: str
    emulated: bool
    compiler: str
    flags: str = ""
    link: str = "uart"
    cycles: str = ""
    energy: str = ""


class Entry(_Read):
    """One night's result.

    Attributes:
        time: when the night began.
        board: the board's name.
        file: the test file.
        case: the case, or the name of a test in Python.
        vectors: the vectors' name; empty for a test in Python.
        outcome: the worst of the promises.
        verdict: class of the first failure; empty where nothing failed.
        message: its first line.
        commit: what was tested, where that is known; with ``+`` behind it where files differ from it.
        firmware: build id; empty where the run gave no result.
        image: digest of the model image, likewise.
        place: where the figures come from; None where there are none.
        figures: by their names in `hil.nightly.figures`.
    """

    format: Literal["hil history"] = FORMAT
    version: Literal[1] = VERSION
    time: Time
    board: str
    file: str = ""
    case: str
    vectors: str = ""
    outcome: Outcome
    verdict: str = ""
    message: str = ""
    commit: str = ""
    firmware: str = ""
    image: str = ""
    place: Place | None = None
    figures: dict[str, Finite] = Field(default_factory=dict)

    @property
    def night(self) -> str:
        """The day on which the night's run ended, as UTC has it."""
        return self.time.astimezone(dt.UTC).date().isoformat()

    def is_ahead(self, now: dt.datetime) -> bool:
        """Whether it is dated so far ahead of a time that its clock was wrong."""
        return self.time - now > AHEAD

    @property
    def subject(self) -> tuple[str, str, str, str]:
        """Whose result it is: board, file, case, vectors."""
        return self.board, self.file, self.case, self.vectors

    @property
    def title(self) -> str:
        """The same in words."""
        return f"{run_title(self.case, self.vectors)} on {self.board}"
