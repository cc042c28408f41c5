"""Every register of the twin's nRF51822 is what Nordic's SVD file says (pyOCD ships it), or differs for a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from pyocd.debug.svd.loader import SVDFile

from hil.emulator.twin.nrf51.nvmc import Uicr
from hil.emulator.twin.registers import NotModelledError, Refused
from hil.emulator.twin.system import SystemControl
from tests.twin.nrf51.bench import Bench51

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyocd.debug.svd.model import SVDField, SVDPeripheral, SVDRegister

    from hil.emulator.twin.registers import Peripheral, Register

SHARED: Final = {
    "POWER_CLOCK": ("POWER", "CLOCK", "MPU"),
    "SPI0": ("SPI0", "TWI0"),
    "SPIS1": ("SPIS1",),
    "AAR": ("AAR", "CCM"),
}
"""What lies at one address. SPI1, TWI1 and SPIM1 are at that of SPIS1: the twin's is the slave."""

NOT_AS_SLAVE: Final = {"SPI1", "TWI1", "SPIM1", "AMLI"}
"""Not looked for: other uses of the slave's address; AMLI's registers are spread over that of POWER."""

RESET: Final = {
    ("UART0", "BAUDRATE"): (0x04000000, "manual, 29.10.9 (recalled): 250000 baud"),
    ("NVMC", "READY"): (1, "ready: the core waits while it is not"),
    ("POWER_CLOCK", "HFCLKSTAT"): (1 << 16, "HFCLK runs whenever the core does"),
    ("POWER_CLOCK", "RAMSTATUS"): (3, "both blocks of an nRF51822-QFAA are on"),
    ("FICR", "CODEPAGESIZE"): (0x400, "of an nRF51822-QFAA"),
    ("FICR", "CODESIZE"): (0x100, "of an nRF51822-QFAA"),
    ("FICR", "CLENR0"): (0xFFFFFFFF, "no region 0 was programmed by the factory"),
    ("FICR", "PPFC"): (0xFFFFFFFF, "likewise"),
    ("FICR", "NUMRAMBLOCK"): (2, "of an nRF51822-QFAA"),
    ("FICR", "SIZERAMBLOCKS"): (0x2000, "of an nRF51822-QFAA"),
}
"""Values after reset."""

LEFT_OUT: Final = {
    ("FICR", 0x0AC): "calibration of the radio, which the twin has not",
    **{("FICR", 0x0B0 + 4 * n): "likewise" for n in range(5)},
    **{("FICR", 0x0EC + 4 * n): "likewise" for n in range(5)},
    **{("FICR", 0x03C + 4 * n): "deprecated names of SIZERAMBLOCKS" for n in range(3)},
}
"""Registers that the twin has not, not even by name: an access is refused all the same."""


@pytest.fixture(scope="module")
def chip() -> Iterator[Bench51]:
    with Bench51() as chip:
        yield chip


@pytest.fixture(scope="module")
def svd() -> dict[str, SVDPeripheral]:
    file = SVDFile.from_builtin("nrf51.svd")
    file.load()
    assert file.device is not None
    found = {each.name: each for each in file.device.peripherals}
    for each in found.values():
        if each.derived_from and not each.registers:
            each.registers = found[each.derived_from].registers
    return found


def modelled(chip: Bench51) -> dict[str, Peripheral]:
    return {each.name: each for each in chip.peripherals if not isinstance(each, Refused | SystemControl | Uicr)}


def theirs_of(name: str, svd: Mapping[str, SVDPeripheral]) -> dict[int, SVDRegister]:
    """By offset; of two at one offset, that with fields."""
    found: dict[int, SVDRegister] = {}
    for each in SHARED.get(name, (name,)):
        for register in svd[each].registers:
            old = found.get(register.address_offset)
            if old is None or not old.fields:
                found[register.address_offset] = register
    return found


def both(chip: Bench51, svd: Mapping[str, SVDPeripheral]) -> Iterator[tuple[str, Peripheral, Register, SVDRegister]]:
    for name, peripheral in modelled(chip).items():
        theirs = theirs_of(name, svd)
        for register in peripheral.REGISTERS:
            yield name, peripheral, register, theirs[register.offset]


def mask(field: SVDField) -> int:
    return ((1 << field.bit_width) - 1) << field.bit_offset


def plain(name: str) -> str:
    """Without the brackets of an array's element."""
    return name.replace("[", "").replace("]", "").replace("%s", "")


def test_all_peripherals_of_the_part_are_on_the_bus(chip: Bench51, svd: dict[str, SVDPeripheral]) -> None:
    ours = {each.base for each in chip.peripherals if not isinstance(each, SystemControl)}
    assert ours == {each.base_address for name, each in svd.items() if name not in NOT_AS_SLAVE}


def test_all_registers_are_there_under_their_names(chip: Bench51, svd: dict[str, SVDPeripheral]) -> None:
    for name, peripheral in modelled(chip).items():
        ours = {register.offset: register.name for register in peripheral.REGISTERS}
        theirs = {
            offset: plain(register.name)
            for offset, register in theirs_of(name, svd).items()
            if (name, offset) not in LEFT_OUT
        }
        assert set(ours) == set(theirs), name
        aliases = {"ERASEPCR1": "ERASEPAGE", "SIZERAMBLOCK0": "SIZERAMBLOCKS"}
        assert ours == {offset: aliases.get(each, each) for offset, each in theirs.items()}, name


def test_reset_values(chip: Bench51, svd: dict[str, SVDPeripheral]) -> None:
    wrong = []
    for name, peripheral, ours, theirs in both(chip, svd):
        expected, _ = RESET.get((name, ours.name), (theirs.reset_value or 0, ""))
        value = peripheral.value[ours.name]
        if not ours.refused and value != expected:
            wrong.append(f"{name}_{ours.name}: 0x{value:x}, expected 0x{expected:x}")
    assert not wrong


def test_each_field_that_can_be_written_is_modelled_or_refused(chip: Bench51, svd: dict[str, SVDPeripheral]) -> None:
    wrong = []
    for name, _, ours, theirs in both(chip, svd):
        fields = sum(mask(field) for field in theirs.fields if (field.access or theirs.access) != "read-only")
        found = ours.writable | ours.unmodelled | ours.acts
        assert not ours.writable & ours.unmodelled, f"{name}_{ours.name}"
        if not ours.refused and fields & ~found:
            wrong.append(f"{name}_{ours.name}: 0x{found:08x} lacks 0x{fields & ~found:08x}")
    assert not wrong


@pytest.mark.parametrize("name", ["RADIO", "GPIOTE", "RTC0", "PPI", "RNG", "SWI"])
def test_what_is_not_modelled_says_so(chip: Bench51, name: str) -> None:
    peripheral = chip.by_name[name]
    with pytest.raises(NotModelledError, match=name):
        peripheral.read(0x100, 4)
    with pytest.raises(NotModelledError, match=name):
        peripheral.write(0, 4, 1)


@pytest.mark.parametrize(
    ("register", "value"),
    [
        ("CLOCK_TASKS_LFCLKSTART", 1),
        ("POWER_SYSTEMOFF", 1),
        ("POWER_RAMON", 0),
        ("GPIO_PIN_CNF3", 0x30002),
        ("TIMER0_MODE", 1),
        ("UART0_CONFIG", 1),
        ("UART0_PSELCTS", 3),
        ("SPIS1_CONFIG", 1),
        ("SPIS1_POWER", 0),
        ("SPIS1_EVENTS_END", 1),
        ("NVMC_CONFIG", 3),
    ],
)
def test_a_bit_that_is_not_modelled_is_refused(register: str, value: int) -> None:
    with Bench51() as chip, pytest.raises(NotModelledError, match=register.partition("_")[2]):
        chip.write(register, value)


@pytest.mark.parametrize("register", ["GPIO_OUT", "UART0_TXD", "SPIS1_MAXRX"])
def test_registers_are_words(register: str) -> None:
    with Bench51() as chip, pytest.raises(NotModelledError, match="register of a word"):
        chip.write(register, 1, size=1)


def test_the_core_has_neither_systick_nor_vtor() -> None:
    with Bench51("main: ldr r0, =0xE000E010; movs r1, #5; str r1, [r0]; b .") as chip:
        chip.run(1000)
        assert "SYST_CSR" in chip.trouble
