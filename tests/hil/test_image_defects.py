"""A firmware that takes a wrong image for the right one, or a right one for a wrong one, is a target fault."""

from __future__ import annotations

import numpy as np
import pytest

from hil.board import load_board
from hil.dut.opening import open_dut
from hil.dut.options import DutOptions
from hil.errors import TargetFault
from tests.hil.defects import BOARD, Defect, Workshop
from tests.networks import random_case

UNCHECKED = Defect(
    "crc unchecked",
    "agent/agent.c",
    "if (crc != request->words[2]) {",
    "if (crc == 0u && request->words[2] == 1u) {",
)
REJECTED = Defect("crc rejected", "ltc/ltc_check.c", "if (header->crc != crc) {", "if (header->crc == crc) {")


@pytest.mark.parametrize(
    ("defect", "words"),
    [
        (UNCHECKED, "was told to open a network of 44 neurons, .* and has opened one of 40 neurons"),
        (REJECTED, "refused IMAGE_OPEN: IMAGE_REJECTED"),
    ],
    ids=["crc-unchecked", "crc-rejected"],
)
def test_an_image_that_the_host_has_proved_is_not_the_user_s_mistake(
    workshop: Workshop, defect: Defect, words: str
) -> None:
    with (
        workshop.planted(defect),
        open_dut(load_board(BOARD), DutOptions(backend="qemu", firmware_root=workshop.root)) as dut,
    ):

        def run_both() -> None:
            for neurons in (40, 44):
                case = random_case(np.random.default_rng(1), neurons, 2, 1.0, 0.0, steps=2)
                assert len(case.converted.image) > dut.identity.arena_bytes  # so it goes to flash
                dut.run_image(case.converted.image, case.inputs, case.elapsed, case.state0)

        with pytest.raises(TargetFault, match=words) as caught:
            run_both()
    assert caught.value.verdict == "target fault"
