"""What results.json says of a board's tests, as entries of the history."""

from __future__ import annotations

from hil.nightly.entries import entries_of
from hil.nightly.flaky import find_flaky
from tests.nightly.lab import time_of


def test_a_case_without_a_result_is_of_the_firmware_that_it_was_tried_with() -> None:
    test = {"nodeid": "a.hil.yaml::bits[desk]", "promise": "bits", "file": "a.hil.yaml", "case": "a", "vectors": "a"}
    test |= {"board": "desk", "run": None, "outcome": "error", "verdict": "link", "message": "link: no answer"}
    ran = {"backend": "hardware", "emulated": False, "compiler": "gcc", "flags": "", "link": "uart", "max_error": 0.0}
    ran |= {"cycles": {"source": None}, "size": None, "energy": None, "firmware": "00ff", "image": "abc"}
    entries = []
    for night, letter in enumerate("..x.x.x."):
        bad, good = test | {"firmware": "00ff", "image": "abc"}, test | {"outcome": "passed", "run": "a"}
        results = {"tests": [bad if letter == "x" else good], "runs": {"a": ran}}
        entries += entries_of(results, time_of(night), "")
    assert {(entry.firmware, entry.image) for entry in entries} == {("00ff", "abc")}
    (found,) = find_flaky(entries)
    assert "a failed and passed with the same firmware 00ff (link)" in found.words
