"""The stack that the firmware was computed to need, against what it touches on the emulated core, painted at reset."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from hil.build import build
from hil.build_stack import EXCEPTION_BYTES
from hil.errors import TargetFault
from hil.solver import SolverName
from tests.contract.test_link_emulated import PORTS, Ported
from tests.networks import random_case

HANDLER_BYTES = 24  # of the UART's handler: it is chance whether it comes at the deepest, and no fault comes
TIMERS = {"stm32l0": 1}  # whose handlers do not come here: LPTIM1's, of a watch or a stop


@pytest.mark.parametrize("port", PORTS, ids=str)
def test_the_stack_is_never_deeper_than_computed_and_nearly_as_deep(port: Ported) -> None:
    artefact = build(port.board)
    solvers = get_args(SolverName)  # one of them goes deepest
    cases = [random_case(np.random.default_rng(5), 12, 4, 1.0, 0.5, steps=20, solver=each) for each in solvers]
    with port.powered(artefact) as path, port.client(path) as agent:
        for case in cases:
            image = case.converted.image
            agent.load_image(image)
            for inputs, elapsed in zip(case.inputs, case.elapsed, strict=True):
                agent.run(inputs, elapsed, state=case.state0)
                agent.run(inputs, elapsed, state=case.state0, count_cycles=True)
        agent.get_state()
        agent.reset_state()
        agent.echo(bytes(range(256)) * 4)
        with pytest.raises(TargetFault, match="IMAGE_REJECTED"):
            agent.load_image(image[:-4] + bytes(4))
        unused = agent.identify().stack_unused_bytes
    assert unused is not None
    touched = artefact.stack_limit - unused
    timers = TIMERS.get(port.board.port, 0)
    assert touched <= artefact.stack_bytes
    assert artefact.stack_bytes <= touched + (2 + timers) * EXCEPTION_BYTES + HANDLER_BYTES
