"""Registers and interrupts of the chips by the SVD files that pyOCD ships: their makers' own descriptions."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class SvdRegister:
    """A register.

    Attributes:
        name: with its peripheral's: ``UART0.C2``.
        fields: by name: lowest bit and width.
    """

    name: str
    fields: dict[str, tuple[int, int]]


@cache
def _peripherals(file: str) -> dict[str, ET.Element]:
    archive = files("pyocd") / "debug" / "svd" / "svd_data.zip"
    with archive.open("rb") as stream, zipfile.ZipFile(stream) as content:
        tree = ET.fromstring(content.read(file))  # noqa: S314 # comes with pyOCD
    return {str(each.findtext("name")): each for each in tree.iter("peripheral")}


def interrupt(file: str, peripheral: str) -> int:
    """The number of its only interrupt."""
    (number,) = {int(each.findtext("value") or "", 0) for each in _peripherals(file)[peripheral].findall("interrupt")}
    return number


@cache
def registers(file: str) -> dict[int, list[SvdRegister]]:
    """All of a chip by address; several share one."""
    found: dict[int, list[SvdRegister]] = {}
    peripherals = _peripherals(file)
    for name, each in peripherals.items():
        base = int(each.findtext("baseAddress") or "", 0)
        source = peripherals[each.attrib["derivedFrom"]] if each.find("registers") is None else each
        content = source.find("registers")
        assert content is not None
        for offset, label, register in _walk(content, 0):
            found.setdefault(base + offset, []).append(SvdRegister(f"{name}.{label}", dict(_fields(register))))
    return found


def _walk(parent: ET.Element, base: int) -> Iterator[tuple[int, str, ET.Element]]:
    for each in parent:
        offset = base + int(each.findtext("addressOffset") or "0", 0)
        if each.tag == "register":
            count, step = int(each.findtext("dim") or "1", 0), int(each.findtext("dimIncrement") or "0", 0)
            label = (each.findtext("name") or "").replace("[%s]", "%s")
            for number in range(count):
                yield offset + number * step, label.replace("%s", str(number)), each
        elif each.tag == "cluster":
            yield from _walk(each, offset)


def _fields(register: ET.Element) -> Iterator[tuple[str, tuple[int, int]]]:
    for field in register.iter("field"):
        span = field.findtext("bitRange")
        if span:
            high, low = (int(part) for part in span.strip("[]").split(":"))
        elif (lsb := field.findtext("lsb")) is not None:
            low, high = int(lsb), int(field.findtext("msb") or lsb)
        else:
            low = int(field.findtext("bitOffset") or "", 0)
            high = low + int(field.findtext("bitWidth") or "1", 0) - 1
        yield str(field.findtext("name")), (low, high - low + 1)
