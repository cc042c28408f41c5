"""What a board's file says of currents: the rows of its chip's data sheet. What nobody could look up is ``unknown``."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from hil.board_values import Strict, Text, Whole

_Number = Annotated[float, Field(ge=0, strict=True, allow_inf_nan=False)]
Fixed = Annotated[_Number, Field(le=1e9)] | Literal["unknown"]
"""In microamperes: no more than a case can promise."""
PerMHz = Annotated[_Number, Field(le=1e6)] | Literal["unknown"]
"""In microamperes for each MHz: 1 A, some thousand times of what a Cortex-M0 draws."""


class _Figures(Strict):
    """A typical and a highest current, each fixed or by the core's clock."""

    typical_uA: Fixed | None = None  # noqa: N815 # the unit
    """Typical, in microamperes."""
    maximum_uA: Fixed | None = None  # noqa: N815 # the unit
    """At most, in microamperes."""
    typical_uA_per_MHz: PerMHz | None = None  # noqa: N815 # the unit
    """Instead of the typical: in microamperes for each MHz of the core's clock, where the data sheet says it so."""
    maximum_uA_per_MHz: PerMHz | None = None  # noqa: N815 # the unit
    """Instead of the most, likewise."""
    voltage_range: Whole | None = Field(default=None, gt=0, le=9)
    """In which voltage range of the chip, where it matters."""
    source: Text
    """Document and page or table, and the conditions there."""

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        for name in ("typical", "maximum"):
            given = [getattr(self, f"{name}_uA"), getattr(self, f"{name}_uA_per_MHz")]
            if given.count(None) != 1:
                raise ValueError(f"needs one of {name}_uA and {name}_uA_per_MHz; 'unknown' where nobody knows")
        for unit in ("uA", "uA_per_MHz"):
            typical, maximum = getattr(self, f"typical_{unit}"), getattr(self, f"maximum_{unit}")
            if isinstance(typical, float) and isinstance(maximum, float) and maximum < typical:
                raise ValueError(f"maximum_{unit} ({maximum:g}) is below typical_{unit} ({typical:g})")
        return self

    def typical_at(self, clock_hz: int) -> float | None:
        """Typical at a clock of the core, in microamperes; None where it is unknown."""
        return _at(self.typical_uA, self.typical_uA_per_MHz, clock_hz)

    def maximum_at(self, clock_hz: int) -> float | None:
        """At most, likewise."""
        return _at(self.maximum_uA, self.maximum_uA_per_MHz, clock_hz)

    @property
    def typical_key(self) -> str:
        """Which key has the typical current."""
        return "typical_uA" if self.typical_uA is not None else "typical_uA_per_MHz"

    @property
    def typical_words(self) -> str:
        """The typical current, for people."""
        if self.typical_uA is not None:
            return f"{self.typical_uA:g} uA" if isinstance(self.typical_uA, float) else "unknown"
        return f"{self.typical_uA_per_MHz:g} uA/MHz" if isinstance(self.typical_uA_per_MHz, float) else "unknown"


class Current(_Figures):
    """What the chip draws in one state, by its data sheet: never a guess."""

    state: Literal["run", "sleep", "stop", "standby"]
    """What the core does."""
    clock_hz: Whole | None = Field(default=None, gt=0, le=10_000_000_000)
    """At which clock of the core, where it matters."""
    memory: Literal["flash", "ram"] | None = None
    """Where the core runs from."""
    includes: tuple[Text, ...] = ()
    """Peripherals and oscillators that are on, and whose current is in it."""
    supply_V: Annotated[float, Field(gt=0, le=100, strict=True)] | None = None  # noqa: N815 # the unit
    """At which supply, in volts; energy is modelled where it is said."""


class PeripheralCurrent(_Figures):
    """What a peripheral or an oscillator adds while its clock is on, or while it runs."""

    name: Text
    """As the chip's reference manual has it, and the emulator: USART2, HSI16."""


def _at(fixed: Fixed | None, per_MHz: PerMHz | None, clock_hz: int) -> float | None:  # noqa: N803 # the unit
    if isinstance(per_MHz, float):
        return per_MHz * clock_hz / 1e6
    return fixed if isinstance(fixed, float) else None
