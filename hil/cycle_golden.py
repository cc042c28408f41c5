"""Recorded cycles of a case's steps (``NAME.cycles.json``): read, looked up by what ran, merged and written.

Cycles depend on the board, its core, the compiler with its flags, and on whether silicon or an emulator ran, so each
combination has a golden of its own. A golden holds every step of every sequence, one sequence a line, so that a change
shows in a diff where it happened.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hil.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from hil.result import Provenance

SUFFIX = ".cycles.json"
FORMAT = "hil cycles"
VERSION = 1
_NUMBERS = re.compile(r"\[\n\s+\d+(?:,\n\s+\d+)*\n\s+\]")

Kind = Literal["emulator", "silicon"]
Count = Annotated[int, Field(ge=0, lt=2**53, strict=True)]  # as far as every JSON reader is exact
Sequence = Annotated[tuple[Count, ...], Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Platform(_Strict):
    """What cycles depend on, the program's sources apart."""

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


class Recording(_Strict):
    """The cycles of one vectors file, and where they come from."""

    source: str
    firmware: str
    image: str
    recorded: str
    hil: str
    per_step: Annotated[tuple[Sequence, ...], Field(min_length=1)]


class Entry(_Strict):
    """What was recorded on one platform, by name of the vectors file as the case has it."""

    platform: Platform
    vectors: dict[str, Recording]


class GoldenFile(_Strict):
    """Everything that was recorded for one case."""

    format: Literal["hil cycles"] = "hil cycles"
    version: Literal[1] = 1
    entries: tuple[Entry, ...] = ()

    def find(self, platform: Platform, vectors: str) -> Recording | None:
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

    def merged(self, platform: Platform, recordings: dict[str, Recording], keep: Collection[str]) -> GoldenFile:
        """With these recordings in place of older ones of the platform.

        Args:
            platform: where they were made.
            recordings: by name of the vectors.
            keep: names that the case still has; recordings of others are dropped.
        """
        there = next((each.vectors for each in self.entries if each.platform == platform), {})
        kept = {name: each for name, each in (there | recordings).items() if name in keep}
        others = [each for each in self.entries if each.platform != platform]
        entries = sorted([*others, Entry(platform=platform, vectors=kept)], key=lambda each: str(each.platform))
        return self.model_copy(update={"entries": tuple(entries)})


def golden_path(case: Path) -> Path:
    """Where the golden of a case file is: beside it."""
    return case.with_name(case.name.removesuffix(".hil.yaml") + SUFFIX)


def load_golden(path: Path) -> GoldenFile:
    """Read a golden file; an absent one is empty.

    Raises:
        InputError: it is damaged, ambiguous, or of another version.
    """
    hint = "take it back from version control, or delete it and record with --hil-update-golden"
    try:
        data = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_Object)
        doubled = next(_doubled_keys(data, ()), None)
    except FileNotFoundError:
        return GoldenFile()
    except OSError as error:
        raise InputError(f"golden file {path} cannot be read", cause=error.strerror) from error
    except ValueError as error:
        raise InputError(f"golden file {path} is damaged: it is not JSON", cause=str(error), hint=hint) from error
    except RecursionError as error:
        raise InputError(f"golden file {path} is damaged: it is nested too deep", hint=hint) from error
    if doubled is not None:
        raise InputError(
            f"golden file {path} is damaged, at {doubled[0]}: key '{doubled[1]}' is there twice", hint=hint
        )
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise InputError(f"golden file {path} is damaged: it does not say that its format is '{FORMAT}'", hint=hint)
    if type(data.get("version")) is not int or data["version"] != VERSION:
        raise InputError(
            f"golden file {path} has version {data.get('version')!r}, this hil reads version {VERSION}",
            hint="use the hil that wrote it, or delete it and record with --hil-update-golden",
        )
    try:
        golden = GoldenFile.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the top"
        raise InputError(f"golden file {path} is damaged, at {place}", cause=first["msg"], hint=hint) from error
    _check_platforms(golden, path, hint)
    return golden


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
    elif isinstance(data, list) and not (data and isinstance(data[0], int)):  # a long list of counts has no keys
        for number, value in enumerate(data):
            yield from _doubled_keys(value, (*place, str(number)))


def _check_platforms(golden: GoldenFile, path: Path, hint: str) -> None:
    """No platform has two entries: which of them counts would be a matter of order."""
    seen: dict[Platform, int] = {}
    for number, entry in enumerate(golden.entries):
        first = seen.setdefault(entry.platform, number)
        if first != number:
            raise InputError(
                f"golden file {path} is damaged: entries.{first} and entries.{number} are both for {entry.platform}",
                cause="two entries of one platform, as a merge may leave them",
                hint=hint,
            )


def save_golden(path: Path, golden: GoldenFile) -> None:
    """Write a golden file as a whole: who reads it meanwhile finds the old one or the new one. A link stays one.

    Raises:
        InputError: it cannot be written.
    """
    try:
        place = path.resolve()
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=place.parent, prefix=f".{place.name}-", delete=False
        ) as file:
            new = Path(file.name)
            try:
                file.write(_text(golden))
                file.flush()
                os.fsync(file.fileno())
                new.chmod(0o644)
                new.replace(place)
            except BaseException:
                new.unlink(missing_ok=True)
                raise
    except OSError as error:
        raise InputError(f"golden file {path} cannot be written", cause=error.strerror) from error


def _text(golden: GoldenFile) -> str:
    """JSON with one sequence a line; only lists of numbers have a line break before a digit."""
    text = json.dumps(golden.model_dump(mode="json"), indent=1)
    return _NUMBERS.sub(lambda found: "".join(found[0].split()), text) + "\n"
