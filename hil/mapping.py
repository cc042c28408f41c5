"""The input and output maps of a network: which kind its file names, and whether the arrays that are there agree.

As in ncps' ``LTCCell(input_mapping=, output_mapping=)``: ``affine`` is scale and offset, ``linear`` the scale alone,
``none`` (or None) leaves values as they are. Where no kind is named, the arrays decide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from hil.errors import InputError
from hil.nearest import offer

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal["affine", "linear", "none"]
Side = Literal["input", "output"]

_PARTS: dict[Kind, str] = {"affine": "wb", "linear": "w", "none": ""}
_NEEDS: dict[Kind, str] = {
    "affine": "an affine map has {side}_w and {side}_b",
    "linear": "a linear map has {side}_w and no {side}_b",
    "none": "without a map there is neither {side}_w nor {side}_b",
}


def map_kind(arrays: Mapping[str, object], side: Side, where: str) -> Kind:
    """The kind of one map.

    Raises:
        InputError: naming ``where`` and the key, for a kind that does not exist or that the arrays contradict.
    """
    there = "".join(part for part in "wb" if f"{side}_{part}" in arrays)
    if f"{side}_mapping" not in arrays:
        for kind, parts in _PARTS.items():
            if there == parts:
                return kind
        raise InputError(
            f"{where}: array '{side}_b' is there, but '{side}_w' is missing",
            hint=_NEEDS["affine"].format(side=side),
        )
    kind = _named(arrays[f"{side}_mapping"], side, where)
    for part in "wb":
        if (part in there) != (part in _PARTS[kind]):
            is_it = "is there" if part in there else "is missing"
            raise InputError(
                f"{where}: '{side}_mapping' is '{kind}', but array '{side}_{part}' {is_it}",
                hint=_NEEDS[kind].format(side=side),
            )
    return kind


def _named(value: object, side: Side, where: str) -> Kind:
    array = np.asarray(value)
    said = array.item() if array.size == 1 else value
    said = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    if said == "None":
        return "none"
    for kind in get_args(Kind):
        if said == kind:
            return kind  # type: ignore[no-any-return]
    raise InputError(
        f"{where}: '{side}_mapping' is '{said}', and there is no such map", hint=offer(said, get_args(Kind), "maps")
    )
