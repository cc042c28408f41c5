"""What the files of recorded goldens have in common: JSON beside the case, read without a guess, written as a whole."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from hil.errors import InputError
from hil.whole_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from hil.result import Provenance

CASE_SUFFIX: Final = ".hil.yaml"
HINT: Final = "take it back from version control, or delete it and record with --hil-update-golden"
_NUMBER: Final = r"-?\d[\d.e+-]*"
_NUMBERS: Final = re.compile(rf"\[\n\s+{_NUMBER}(?:,\n\s+{_NUMBER})*\n\s+\]")

Kind = Literal["emulator", "silicon"]


class Strict(BaseModel):
    """A part of a golden file: no unknown keys, never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Platform(Strict):
    """What goldens depend on, the program's sources apart."""

    board: str
    core: str
    kind: Kind
    compiler: str
    flags: str

    @classmethod
    def of(cls, origin: Provenance) -> Platform:
        """What a result was made with."""
        kind: Kind = "emulator" if origin.emulated else "silicon"
        return cls(board=origin.board, core=origin.core, kind=kind, compiler=origin.compiler, flags=origin.flags)

    def __str__(self) -> str:
        return f"{self.board}, {self.core}, {self.kind}, {self.compiler} {self.flags}"

    def differs_in_compiler(self, other: Platform) -> bool:
        """Whether the two are alike but for the compiler or its flags."""
        return self != other and (self.board, self.core, self.kind) == (other.board, other.core, other.kind)


Recorded = TypeVar("Recorded", bound=Strict)


class Entry(Strict, Generic[Recorded]):
    """What was recorded on one platform, by name of the vectors file as the case has it."""

    platform: Platform
    vectors: dict[str, Recorded]


class Goldens(Strict, Generic[Recorded]):
    """Everything of one format that was recorded for one case."""

    format: str = ""
    version: int = 0
    entries: tuple[Entry[Recorded], ...] = ()

    def find(self, platform: Platform, vectors: str) -> Recorded | None:
        """What was recorded of a vectors file on exactly this platform."""
        return next((each.vectors.get(vectors) for each in self.entries if each.platform == platform), None)

    def recorded(self, platform: Platform) -> tuple[str, ...]:
        """Names of the vectors that were recorded on exactly this platform."""
        return tuple(name for each in self.entries if each.platform == platform for name in each.vectors)

    def other_compilers(self, platform: Platform, vectors: str) -> tuple[Platform, ...]:
        """Platforms with a golden of the vectors that differ in nothing but the compiler or its flags."""
        return tuple(
            each.platform
            for each in self.entries
            if vectors in each.vectors and each.platform.differs_in_compiler(platform)
        )

    def merged(self, platform: Platform, recordings: Mapping[str, Recorded], keep: Collection[str]) -> Self:
        """With these recordings in place of older ones of the platform.

        Args:
            platform: where they were made.
            recordings: by name of the vectors.
            keep: names that the case still has; recordings of others are dropped.
        """
        there = next((each.vectors for each in self.entries if each.platform == platform), {})
        kept = {name: each for name, each in {**there, **recordings}.items() if name in keep}
        others = [each for each in self.entries if each.platform != platform]
        entries = sorted([*others, Entry(platform=platform, vectors=kept)], key=lambda each: str(each.platform))
        return self.model_copy(update={"entries": tuple(entries)})


File = TypeVar("File", bound=Goldens[Any])


def golden_beside(case: Path, suffix: str) -> Path:
    """Where a golden of a case file is: beside it."""
    return case.with_name(case.name.removesuffix(CASE_SUFFIX) + suffix)


def read_golden(path: Path, kind: type[File]) -> File:
    """Read a golden file; an absent one is empty.

    Args:
        path: where it is.
        kind: what it is read as; made without arguments, it is empty and has the only format and version that are read.

    Raises:
        InputError: it is damaged, ambiguous, or of another version.
    """
    empty = kind()
    try:
        data = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_Object)
        doubled = next(_doubled_keys(data, ()), None)
    except FileNotFoundError:
        return empty
    except OSError as error:
        raise InputError(f"golden file {path} cannot be read", cause=error.strerror) from error
    except ValueError as error:
        raise InputError(f"golden file {path} is damaged: it is not JSON", cause=str(error), hint=HINT) from error
    except RecursionError as error:
        raise InputError(f"golden file {path} is damaged: it is nested too deep", hint=HINT) from error
    if doubled is not None:
        raise InputError(
            f"golden file {path} is damaged, at {doubled[0]}: key '{doubled[1]}' is there twice", hint=HINT
        )
    if not isinstance(data, dict) or data.get("format") != empty.format:
        raise InputError(
            f"golden file {path} is damaged: it does not say that its format is '{empty.format}'", hint=HINT
        )
    if type(data.get("version")) is not int or data["version"] != empty.version:
        raise InputError(
            f"golden file {path} has version {data.get('version')!r}, this hil reads version {empty.version}",
            hint="use the hil that wrote it, or delete it and record with --hil-update-golden",
        )
    try:
        golden = kind.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the top"
        raise InputError(f"golden file {path} is damaged, at {place}", cause=first["msg"], hint=HINT) from error
    _check_platforms(golden, path)
    return golden


def write_golden(path: Path, golden: Goldens[Any]) -> None:
    """Write a golden file as a whole: who reads it meanwhile finds the old one or the new one. A link stays one.

    Raises:
        InputError: it cannot be written.
    """
    write_whole(path, _text(golden).encode(), kind="golden file", hint=None)


def _text(golden: Goldens[Any]) -> str:
    """JSON with one sequence a line; only lists of numbers have a line break before a digit."""
    text = json.dumps(golden.model_dump(mode="json"), indent=1)
    return _NUMBERS.sub(lambda found: "".join(found[0].split()), text) + "\n"


class _Object(dict[str, object]):
    """A JSON object that remembers keys which it was given twice; `json` would keep the last in silence."""

    def __init__(self, pairs: list[tuple[str, object]]) -> None:
        super().__init__(pairs)
        names = [name for name, _ in pairs] if len(self) < len(pairs) else []
        self.doubled = [name for name in self if names.count(name) > 1]


def _doubled_keys(data: object, place: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Every key that an object has twice, and where that object is."""
    if isinstance(data, _Object):
        yield from ((".".join(place) or "the top", key) for key in data.doubled)
        for key, value in data.items():
            yield from _doubled_keys(value, (*place, key))
    elif isinstance(data, list) and not (
        data and isinstance(data[0], int | float)
    ):  # a long list of counts has no keys
        for number, value in enumerate(data):
            yield from _doubled_keys(value, (*place, str(number)))


def _check_platforms(golden: Goldens[Any], path: Path) -> None:
    """No platform has two entries: which of them counts would be a matter of order."""
    seen: dict[Platform, int] = {}
    for number, entry in enumerate(golden.entries):
        first = seen.setdefault(entry.platform, number)
        if first != number:
            raise InputError(
                f"golden file {path} is damaged: entries.{first} and entries.{number} are both for {entry.platform}",
                cause="two entries of one platform, as a merge may leave them",
                hint=HINT,
            )
