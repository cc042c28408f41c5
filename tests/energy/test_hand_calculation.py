"""The hand calculation of docs/energy.md: equal to the model's, and the document has what the bench prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil.energy.model import CurrentModel
from tests.energy import bench_hand_calculation
from tests.energy.bench_hand_calculation import DOCUMENT, calculate
from tests.twin.virtual_host import BOARD

if TYPE_CHECKING:
    import pytest


def test_the_model_s_steps_are_those_by_hand_and_the_document_has_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench_hand_calculation.main() == 0
    printed = capsys.readouterr().out
    block = "\n".join(f"    {line}" for line in printed.splitlines())
    assert block in DOCUMENT.read_text(encoding="utf-8"), (
        f"docs/energy.md has another table; this one is printed:\n{block}"
    )


def test_a_model_that_is_off_by_a_thousandth_is_not_equal() -> None:
    rows = tuple(
        row.model_copy(update={"typical_uA_per_MHz": 76.076}) if isinstance(row.typical_uA_per_MHz, float) else row
        for row in BOARD.currents
    )
    assert not calculate(CurrentModel.of(BOARD.model_copy(update={"currents": rows}))).equal
