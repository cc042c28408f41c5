"""Where an instrument is and how it is to be used, as a user writes it: ``KIND:DEVICE?option=value&option=value``."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from hil.errors import InputError, RigError
from hil.nearest import offer

EXAMPLES = (
    "ppk2:/dev/ttyACM0?mode=source&voltage=3.0, lpm01a:/dev/ttyACM1?freq=100000, joulescope:001234, "
    "otii:localhost:1905/Ace"
)
"""One address of each kind, for hints."""


@dataclass(frozen=True)
class MeterAddress:
    """The parts of an address.

    Attributes:
        text: as it was given, for messages.
        kind: what kind of instrument, e.g. ``ppk2``.
        device: which one, e.g. ``/dev/ttyACM0``; may be empty.
        options: what stood behind the question mark.
    """

    text: str
    kind: str
    device: str
    options: dict[str, str] = field(default_factory=dict)

    def allow(self, *names: str) -> None:
        """Refuse what this kind of instrument does not heed.

        Raises:
            RigError: an option is none of `names`, or its value is empty.
        """
        for name, value in self.options.items():
            if name not in names:
                raise self.bad(f"option '{name}' is none that {self.kind} has", offer(name, list(names), "options"))
            if not value:
                raise self.bad(f"option '{name}' has no value", f"write {name}=…")

    def choice(self, name: str, values: tuple[str, ...]) -> str:
        """The value of an option that is one of several; the first where it is not given.

        Raises:
            RigError: it is none of them.
        """
        value = self.options.get(name, values[0])
        if value not in values:
            raise self.bad(f"option '{name}' is '{value}'", f"write one of: {', '.join(values)}")
        return value

    def number(self, name: str, *, least: float, most: float) -> float | None:
        """The value of an option that is a number; None where it is not given.

        Raises:
            RigError: it is none, or not from `least` to `most`.
        """
        text = self.options.get(name)
        if text is None:
            return None
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not least <= value <= most:
            raise self.bad(f"option '{name}' is '{text}'", f"write a number from {least:g} to {most:g}")
        return value

    def voltage_V(self, voltage_V: float, least: float, most: float) -> float:
        """A supply voltage that the instrument can make.

        Raises:
            RigError: it cannot.
        """
        if not least <= voltage_V <= most:
            raise RigError(
                f"instrument {self.text} cannot supply {voltage_V:g} V", hint=f"it supplies {least:g} V to {most:g} V"
            )
        return voltage_V

    def bad(self, what: str, hint: str) -> RigError:
        """The error for an option that cannot be heeded."""
        return RigError(f"instrument address {self.text}: {what}", hint=hint)


def parse_address(text: str) -> MeterAddress:
    """Take an address apart.

    Raises:
        InputError: it is none.
        RigError: an option is given twice, or is not of the form name=value.
    """
    kind, colon, rest = text.partition(":")
    device, mark, query = rest.partition("?")
    if not kind.isalnum() or not colon:
        raise InputError(f"'{text}' is no address of a current analyzer", hint=f"addresses look so: {EXAMPLES}")
    address = MeterAddress(text, kind, device)
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(mark))
    except ValueError as error:
        raise address.bad(f"'{query}' is not of the form name=value&name=value", str(error)) from error
    if len(dict(pairs)) < len(pairs):
        raise address.bad("an option is given twice", "give it once")
    return MeterAddress(text, kind, device, dict(pairs))
