"""The timing tables as data, and what a board may say of itself."""

from __future__ import annotations

import pytest

from hil.cycles.timing import CORES, Cost, ExceptionTiming, MemoryTiming, TimingModel, costs, covered, exceptions
from hil.errors import InputError

MNEMONICS = """
    ADCS ADD ADDS ADR ANDS ASRS B B<cc> BICS BKPT BL BLX BX CMN CMP CPSID CPSIE DMB DSB EORS ISB LDM LDR LDRB LDRH LDRSB
    LDRSH LSLS LSRS MOV MOVS MRS MSR MULS MVNS NOP ORRS POP PUSH REV REV16 REVSH RORS RSBS SBCS SEV STM STR STRB STRH
    SUB SUBS SVC SXTB SXTH TST UDF UXTB UXTH WFE WFI YIELD
"""


@pytest.mark.parametrize(
    ("text", "cost"),
    [
        ("1", Cost(1)),
        ("1 or 32", Cost(1, 0, 32)),
        ("1+N", Cost(1, 1)),
        ("4+N", Cost(4, 1)),
        ("-", Cost(None)),
    ],
)
def test_notation(text: str, cost: Cost) -> None:
    assert Cost.parse(text) == cost


@pytest.mark.parametrize("text", ["", "N", "1 to 3", "1+2N", "2+P"])
def test_other_notations_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no cycle count"):
        Cost.parse(text)


def test_tables_cover_every_instruction_once() -> None:
    forms = [form for forms in covered().values() for form in forms]
    assert len(set(forms)) == len(forms)
    assert sorted({form.split()[0] for form in forms}) == sorted(MNEMONICS.split())
    assert all(list(costs(core)) == list(covered()) for core in CORES)


def test_plus_is_never_slower() -> None:
    for name, m0 in costs("cortex-m0").items():
        m0plus = costs("cortex-m0plus")[name]
        assert (m0plus.cycles or 0) <= (m0.cycles or 0), name
        assert m0plus.per_register == m0.per_register, name


def test_exceptions() -> None:
    assert exceptions("cortex-m0") == ExceptionTiming(entry=16, leave=16, chain=None)
    assert exceptions("cortex-m0plus") == ExceptionTiming(entry=15, leave=13, chain=None)


def test_models_that_cannot_be() -> None:
    with pytest.raises(InputError, match=r"no timing table for core 'cortex-m3'(.|\n)*cortex-m0plus"):
        TimingModel("cortex-m3")
    with pytest.raises(InputError, match="multiplies in 2 cycles"):
        TimingModel("cortex-m0", multiply_cycles=2)
    port = MemoryTiming(0x50000000, 0x1000, single_cycle_port=True)
    assert TimingModel("cortex-m0plus", memories=(port,)).exact
    with pytest.raises(InputError, match="no single-cycle"):
        TimingModel("cortex-m0", memories=(port,))
