"""Where a bridge is and how it is to be used, as a user writes it: ``KIND:DEVICE?option=value&option=value``."""

from __future__ import annotations

import errno
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from hil.errors import InputError, RigError

EXAMPLES = (
    "spidev:/dev/spidev0.0?data_ready=/dev/gpiochip0/25, ftdi://ftdi:232h/1?data_ready=4, "
    "spidriver:/dev/ttyUSB0, buspirate:/dev/ttyUSB0"
)
"""One address of each kind, for hints."""

_MISSING = (errno.ENOENT, errno.ENODEV, errno.ENXIO)
_FORBIDDEN = (errno.EACCES, errno.EPERM)
_TAKEN = (errno.EBUSY, errno.EAGAIN)


@dataclass(frozen=True)
class BridgeAddress:
    """The parts of an address.

    Attributes:
        text: as it was given, for messages.
        kind: what kind of bridge, e.g. ``spidev``.
        device: which one, e.g. ``/dev/spidev0.0``; of a URL, host and path: ``ftdi:232h/1``.
        options: what stood behind the question mark.
    """

    text: str
    kind: str
    device: str
    options: dict[str, str] = field(default_factory=dict)

    def allow(self, *names: str) -> None:
        """Refuse what this kind of bridge does not heed.

        Raises:
            RigError: an option is none of `names`, or its value is empty.
        """
        for name, value in self.options.items():
            if name not in names:
                raise self.bad_query(f"option '{name}' is none that {self.kind} has", f"it has: {', '.join(names)}")
            if not value:
                raise self.bad_query(f"option '{name}' has no value", f"write {name}=…")

    def slowed(self, clock_hz: int) -> int:
        """The clock asked for, or that of option ``hz`` where it is slower, in Hz.

        Raises:
            RigError: the option is no whole number above zero.
        """
        return min(clock_hz, self.number("hz", least=1) or clock_hz)

    def number(self, name: str, *, least: int) -> int | None:
        """The value of an option that is a whole number from `least` on; None where it is not given.

        Raises:
            RigError: it is not.
        """
        value = self.options.get(name)
        if value is None:
            return None
        if not value.isascii() or not value.isdecimal() or int(value) < least:
            raise self.bad_query(f"option '{name}' is '{value}'", f"write a whole number from {least} on")
        return int(value)

    def check_mode(self, mode: int, modes: tuple[int, ...], why: str) -> None:
        """Refuse an SPI mode that the bridge cannot do.

        Raises:
            RigError: `mode` is none of `modes`.
        """
        if mode not in modes:
            can = ", ".join(map(str, modes[:-1])) + " and " * (len(modes) > 1) + str(modes[-1])
            raise RigError(
                f"bridge {self.text} cannot do SPI mode {mode}: {why}",
                hint=f"it can do mode {can}: choose one in the board's file, or use another bridge",
            )

    def bad_query(self, what: str, hint: str) -> RigError:
        """The error for an option that cannot be heeded."""
        return RigError(f"bridge address {self.text}: {what}", hint=hint)

    def refused(self, what: str, error: Exception, *, group: str = "", code: int | None = None) -> RigError:
        """The sentence for something that does not open.

        Args:
            what: path or name of what was to be opened.
            error: what the system or the library said.
            group: whose members may open it, where that is known.
            code: errno, where `error` has none.
        """
        code = code or getattr(error, "errno", None)
        cause = str(error)
        if code in _MISSING:
            return RigError(
                f"there is no {what} for the SPI bridge {self.text}", cause=cause, hint="check cable and name"
            )
        if code in _FORBIDDEN:
            join = f"add yourself to its group ('sudo usermod -aG {group} $USER') and log in again"
            return RigError(
                f"no permission to open {what}", cause=cause, hint=join if group else "give yourself a udev rule for it"
            )
        if code in _TAKEN:
            return RigError(f"{what} is in use by another program", cause=cause, hint="close the other program")
        return RigError(f"{what} cannot be used as an SPI bridge", cause=cause, hint=f"addresses look so: {EXAMPLES}")


def parse_address(text: str) -> BridgeAddress:
    """Take an address apart.

    Raises:
        InputError: it is none.
        RigError: an option is given twice, or is not of the form name=value.
    """
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise InputError(f"'{text}' is no address of an SPI bridge", cause=str(error), hint=_looks()) from error
    device = parts.netloc + parts.path
    if not parts.scheme or not device or parts.fragment:
        raise InputError(f"'{text}' is no address of an SPI bridge", hint=_looks())
    address = BridgeAddress(text, parts.scheme, device)
    try:
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError as error:
        raise address.bad_query(f"'{parts.query}' is not of the form name=value&name=value", str(error)) from error
    if len(dict(pairs)) < len(pairs):
        raise address.bad_query("an option is given twice", "give it once")
    return BridgeAddress(text, parts.scheme, device, dict(pairs))


def _looks() -> str:
    return f"addresses look so: {EXAMPLES}"
