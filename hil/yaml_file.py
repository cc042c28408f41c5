"""YAML files that people write: read with line numbers, validated, and every mistake named by file, line and key."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.tokens import ScalarToken

from hil.errors import InputError
from hil.nearest import offer

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic_core import ErrorDetails

Model = TypeVar("Model", bound=BaseModel)
Keys = tuple[int | str, ...]


def load_yaml(path: Path, model: type[Model], kind: str) -> Model:
    """Read one YAML file and validate it.

    Args:
        path: the file.
        model: what it must hold.
        kind: what to call the file in messages, e.g. ``board file``.

    Raises:
        InputError: naming the file, the line and the key, and for an unknown key the nearest known one.
    """
    return load_yaml_with_lines(path, model, kind)[0]


def load_yaml_with_lines(path: Path, model: type[Model], kind: str) -> tuple[Model, dict[str, int]]:
    """As :func:`load_yaml`, with the line (from 1) of each key at the top."""
    data = _read(path, kind)
    try:
        return model.model_validate(data, context={"file": path}), {
            str(key): line_of(data, (str(key),)) for key in data
        }
    except ValidationError as error:
        found = error.errors()  # a misspelt key is told rather than the required one that it leaves missing
        first = next((one for one in found if one["type"] == "extra_forbidden"), found[0])
        raise _explain(first, data, path, model, kind) from error


def line_of(data: object, keys: Keys) -> int:
    """Line (from 1) of a key path in ruamel's round-trip data, as deep as it exists."""
    line = 1
    for key in keys:
        position = getattr(data, "lc", None)
        try:
            if isinstance(data, dict):
                there = next(each for each in data if each == key or str(each) == str(key))  # null, 1.5: no text
                line = position.key(there)[0] + 1  # type: ignore[union-attr]
            else:
                there = key
                line = position.item(there)[0] + 1  # type: ignore[union-attr]
            data = data[there]  # type: ignore[index]
        except (StopIteration, KeyError, IndexError, TypeError, AttributeError):
            break
    return line


def _read(path: Path, kind: str) -> dict[object, object]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{kind} {path} cannot be read", cause=error.strerror) from error
    except UnicodeDecodeError as error:
        raise InputError(f"{kind} {path} is not UTF-8 text", cause=str(error)) from error
    try:
        data: object = YAML(typ="rt").load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark else ""
        problem = " ".join(str(error.problem or error.context).split())
        raise InputError(f"{kind} {path}{line} is not valid YAML", cause=problem) from error
    except YAMLError as error:
        raise InputError(f"{kind} {path} is not valid YAML", cause=" ".join(str(error).split())) from error
    except RecursionError:
        raise InputError(f"{kind} {path} is nested too deeply to be one") from None
    except (ValueError, OverflowError) as error:  # a date that no calendar has
        line, value = _impossible(text)
        raise InputError(f"{kind} {path}{line}: there is no such value{value}", cause=str(error)) from error
    if data is None:
        raise InputError(f"{kind} {path} is empty")
    if not isinstance(data, dict):
        raise InputError(f"{kind} {path}, line 1: must hold keys and values, as in 'name: value'")
    return data


def _impossible(text: str) -> tuple[str, str]:
    """Line and text of a value that YAML takes for a date and that is none, in words; empty where none is found."""
    for token in YAML(typ="rt").scan(text):
        if isinstance(token, ScalarToken):
            try:
                YAML(typ="safe").load(token.value)
            except (ValueError, OverflowError):
                return f", line {token.start_mark.line + 1}", f" as {token.value}"
            except YAMLError:
                continue
    return "", ""


def _explain(first: ErrorDetails, data: object, path: Path, model: type[BaseModel], kind: str) -> InputError:
    keys: Keys = first["loc"]
    place = _place(data, keys, path, kind)
    if first["type"] == "extra_forbidden":
        known = sorted(_fields(model, keys[:-1]))
        return InputError(
            f"{place}: unknown key", hint=offer(str(keys[-1]), known, "keys", taken=_keys_at(data, keys[:-1]))
        )
    hint = _meaning(model, keys)
    if first["type"] == "missing":
        return InputError(f"{place}: missing", hint=hint)
    message = first["msg"].removeprefix("Value error, ")
    given = first["input"]
    if message.startswith("Input should") and isinstance(given, int | float | str):
        message += f", not {given!r}"
    return InputError(f"{place}: {message[:1].lower()}{message[1:]}", hint=hint)


def _keys_at(data: object, keys: Keys) -> set[str]:
    """The keys that the file has at a place."""
    for key in keys:
        try:
            data = data[key]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):  # a name that pydantic adds for a union's members
            continue
    return set(map(str, data)) if isinstance(data, dict) else set()


def place_of(path: Path, kind: str, keys: Keys) -> str:
    """Where a key is in a file that was read before: the file, its line and the key, in words."""
    return _place(_read(path, kind), keys, path, kind)


def _place(data: object, keys: Keys, path: Path, kind: str) -> str:
    return f"{kind} {path}, line {line_of(data, keys)}, key '{_dotted(data, keys)}'"


def _dotted(data: object, keys: Keys) -> str:
    """The key path as a user would say it, without the names that pydantic adds for a union's members."""
    said: list[str] = []
    for position, key in enumerate(keys):
        last = position == len(keys) - 1
        try:
            data = data[key]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            if said and not (last and isinstance(data, dict)):
                continue
        said.append(str(key))
    return ".".join(said)


def _fields(model: type[BaseModel], keys: Keys) -> set[str]:
    """Names that are allowed below a key path."""
    return {name for one in _models_at(model, keys) for name in one.model_fields}


def _meaning(model: type[BaseModel], keys: Keys) -> str | None:
    """What the innermost key of a path is for, where its model says so."""
    names = [place for place, key in enumerate(keys) if isinstance(key, str)]
    for place in reversed(names):
        for one in _models_at(model, keys[:place]):
            field = one.model_fields.get(str(keys[place]))
            if field is not None:
                meant = [field.description, *(each.__doc__ for each in _models_in(field.annotation))]
                return next((f"{keys[place]}: {' '.join(each.split())}" for each in meant if each), None)
    return None


def _models_at(model: type[BaseModel], keys: Keys) -> list[type[BaseModel]]:
    models = [model]
    for key in keys:
        if not isinstance(key, str):
            continue
        models = [
            found for one in models if key in one.model_fields for found in _models_in(one.model_fields[key].annotation)
        ] or models
    return models


def _models_in(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in get_args(annotation) for found in _models_in(part)]
