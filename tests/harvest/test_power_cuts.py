"""After a power cut at any instruction of a step or its checkpoint the board goes on, equal in every bit."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from hil.errors import NumericError, TargetFault
from hil.harvest.outcome import Conditions
from hil.harvest.simulate import simulate
from tests.harvest.power_cuts import BOARD, boot_each, programmed, visit, with_firmware
from tests.hil.defects import Defect, Workshop

FILE = "checkpoint/checkpoint.c"
RANGE = "checkpoint->words, 4u * (checkpoint->count - 1u));"
WRITE = "const uint32_t done = checkpoint->store->write(at, words, count); /* calls: port_store_write */"
HEADER = "checkpoint->store->write(at + 4u * count - 8u, &words[count - 2u], 2u); /* calls: port_store_write */"
LIVES = Conditions(power_uW=50, capacitor_uF=100, v_on=2.2, v_off=1.8, seconds=120)
DEFECTS = {
    "corrupt": [Defect("no CRC", FILE, "words[count - 1u] == crc_of(checkpoint);", "words[count - 1u] != 0u;")],
    "lost": [Defect("a single slot", FILE, "checkpoint->count * slot;", "checkpoint->count * (slot & 2u);")],
    "header": [
        Defect("a CRC of the header alone", FILE, RANGE, "&checkpoint->words[checkpoint->count - 2u], 4u);"),
        Defect("the header first", FILE, WRITE, f"{HEADER}\n    {WRITE}"),
    ],
}


@pytest.mark.parametrize("step", [0, 3])
def test_every_instruction(step: int) -> None:
    """Before the first checkpoint there is nothing to resume from; in step 3 both slots are full."""
    program = programmed("tiny_dense")
    cuts = visit(program, step, within=5, seeds=2)
    verdicts = boot_each(program, cuts)
    assert verdicts.all_resumed, verdicts.first
    assert cuts.moments > cuts.instructions > 5000
    assert verdicts.resumed == len(cuts.contents) > 40
    assert list(cuts.contents.values()).count(True) == 1


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("shop"), BOARD, link="none")


@pytest.mark.parametrize("kind", DEFECTS)
def test_a_defect_is_caught(kind: str, shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    program = programmed("tiny_dense")
    monkeypatch.setenv("HIL_CACHE_DIR", str(shop.cache))
    with ExitStack() as stack:
        artefacts = [stack.enter_context(shop.planted(defect)) for defect in DEFECTS[kind]]
        program = with_firmware(program, artefacts[-1])
        if kind != "corrupt":  # of that the states are right, whatever the CRC is: the cut must lie in the number
            with pytest.raises((NumericError, TargetFault)):
                simulate(program, LIVES)
        verdicts = boot_each(program, visit(program, 3, within=5, seeds=2))
    assert (verdicts.lost if kind == "lost" else verdicts.corrupt) > 0
    assert verdicts.resumed > 0
