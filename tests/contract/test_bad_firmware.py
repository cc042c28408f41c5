"""Bad firmware ends in its class, in time and with a post-mortem, and the next test on the board runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.bad_firmware import BOARD, WAYS, Bad, end_of, patient_for_short
from tests.contract.bench_bad_firmware import BAR
from tests.hil.defects import Workshop

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("workshop"), BOARD)


@pytest.mark.parametrize("bad", WAYS, ids=str)
def test_bad_firmware_is_told_in_time(
    bad: Bad, workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HIL_CACHE_DIR", str(workshop.cache))
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path / "state"))
    with patient_for_short():
        ended = end_of(bad, workshop, tmp_path)
    told = str(ended.error)
    assert ended.error.verdict == bad.verdict, told
    assert [words for words in bad.tells if words not in told] == [], told
    assert ended.ratio <= BAR
    assert ended.next_ran
    assert len(ended.recovered) == (bad.name == "unplugged")
