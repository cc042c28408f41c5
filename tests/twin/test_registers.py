"""Every register that the twin models is what ST's SVD file says, or differs for a reason.

The SVD file is that of the whole family, STM32L0x1; what the STM32L031 has of it, its header stm32l031xx.h says (ST's
repository cmsis_device_l0 on GitHub). Each difference is listed with which of the two, or what else, is believed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from pyocd.debug.svd.loader import SVDFile

from hil.emulator.twin.registers import NotModelledError, Refused
from hil.emulator.twin.stm32l031.flash import Flash
from hil.emulator.twin.stm32l031.option_bytes import OptionBytes
from hil.emulator.twin.stm32l031.part import Stm32l031
from hil.emulator.twin.system import SystemControl

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyocd.debug.svd.model import SVDField, SVDPeripheral, SVDRegister

    from hil.emulator.twin.registers import Peripheral, Register

NAMES: Final = {"DBG": "DBGMCU", "LPTIM": "LPTIM1", "Firewall": "FIREWALL", "Flash": "FLASH", "ADC": "ADC1"}
"""Peripherals that the header calls otherwise than the SVD file does."""

BIGGER: Final = {
    *("GPIOD", "GPIOE", "I2C2", "I2C3", "SPI2", "TIM3", "TIM6", "TIM7", "USART1", "USART4", "USART5"),
    *("AES", "NVIC"),
}
"""Peripherals of bigger parts of the family, AES, which the STM32L041 has, and the core's."""

RENAMED: Final = {
    ("RCC", "IOPSMEN"): "IOPSMENR",
    ("DBGMCU", "APB1_FZ"): "APB1FZ",
    ("DBGMCU", "APB2_FZ"): "APB2FZ",
}
"""Registers that the header calls otherwise."""

EXTRA: Final = {
    ("SYSCFG", "COMP1_CSR"): "the header has it at the same address as a peripheral of its own; each access is refused",
    ("SYSCFG", "COMP2_CSR"): "likewise",
    ("RCC", "CRRCR"): "in the header's structure; HSI48 is not in this part, and each access is refused",
}
"""Registers that the SVD file does not have."""

WRITABLE: Final = {
    ("RCC", "CR"): (
        0x013D012B,
        "HSI16KERON (1) is read/write and HSI16RDYF (2) is not: the SVD file has it vice versa",
    ),
    ("RCC", "CFGR"): (0x7FFDBFF3, "the header gives MCOSEL four bits, 24 to 27"),
    ("RCC", "CIER"): (0xBF, "an enable register is read/write"),
    ("RCC", "CICR"): (0x1BF, "a clear register is write-only"),
    ("RCC", "IOPRSTR"): (0x87, "ports D and E are of bigger parts"),
    ("RCC", "IOPENR"): (0x87, "ports D and E are of bigger parts"),
    ("RCC", "IOPSMENR"): (0x87, "ports D and E are of bigger parts"),
    ("RCC", "AHBRSTR"): (0x1101, "the header has no AES"),
    ("RCC", "AHBENR"): (0x1101, "the header has no AES"),
    ("RCC", "AHBSMENR"): (0x1301, "the header has no AES"),
    ("RCC", "APB2RSTR"): (0x401225, "USART1 is of bigger parts"),
    ("RCC", "APB2ENR"): (0x4012A5, "USART1 is of bigger parts"),
    ("RCC", "APB2SMENR"): (0x401225, "USART1 is of bigger parts"),
    ("RCC", "APB1RSTR"): (0x90260801, "the header has TIM2, WWDG, USART2, LPUART1, I2C1, PWR and LPTIM1"),
    ("RCC", "APB1ENR"): (0x90260801, "the header has TIM2, WWDG, USART2, LPUART1, I2C1, PWR and LPTIM1"),
    ("RCC", "APB1SMENR"): (0x90260801, "the header has TIM2, WWDG, USART2, LPUART1, I2C1, PWR and LPTIM1"),
    ("RCC", "CCIPR"): (0xC3C0C, "USART1 and I2C3 are of bigger parts"),
    ("RCC", "CSR"): (0x008F3D01, "reset flags and LSECSSD are read-only; no LSIIWDGLP (2) in the header"),
    ("PWR", "CSR"): (0x700, "the header has EWUP3"),
    ("USART2", "CR3"): (0x00FEFFFF, "the header has UCESM"),
    ("LPUART1", "CR3"): (0x00F0F7C9, "the header has UCESM"),
    ("EXTI", "IMR"): (0x36FFFFFF, "the header's lines"),
    ("EXTI", "EMR"): (0x36FFFFFF, "the header's lines"),
    ("EXTI", "RTSR"): (0x007BFFFF, "the header has lines 20 to 22"),
    ("EXTI", "FTSR"): (0x007BFFFF, "the header has lines 20 to 22"),
    ("EXTI", "SWIER"): (0x007BFFFF, "the header has lines 20 to 22"),
    ("EXTI", "PR"): (0x007BFFFF, "the header has lines 20 to 22"),
    ("SYSCFG", "CFGR2"): (0x1F01, "I2C2 is of bigger parts; the header has FWDISEN and the fast modes of I2C1"),
    ("SYSCFG", "CFGR3"): (0x80001331, "the header has no HSI48, and no flags but VREFINT_RDYF"),
    ("TIM2", "DIER"): (0x5F5F, "the header has no COMDE"),
    **{
        ("TIM2", name): (0xFFFF, "the header has 16 bits, and so has DS10668")
        for name in ("CNT", "ARR", "CCR1", "CCR2", "CCR3", "CCR4")
    },
    ("RTC", "PRER"): (0x007F7FFF, "the header gives PREDIV_S 15 bits"),
    ("DBGMCU", "APB1FZ"): (0x80201C01, "TIM6 and I2C2 are of bigger parts"),
}
"""What can be written by whom the SVD file is wrong about, or speaks of a bigger part."""

RESET: Final = {
    ("RCC", "IOPSMENR"): (0x87, "0x8F of the SVD file has a bit of port D"),
    ("RCC", "AHBSMENR"): (0x1301, "only bits that the header has"),
    ("RCC", "APB2SMENR"): (0x401225, "only bits that the header has"),
    ("RCC", "APB1SMENR"): (0x90260801, "only bits that the header has"),
    ("PWR", "CSR"): (0x8, "VREFINTRDYF is set when firmware starts (RM0377 6.4.2, recalled)"),
    ("EXTI", "IMR"): (0x3F840000, "direct lines are unmasked; there are none above 29 (RM0377 12.5.1, recalled)"),
    ("TIM2", "ARR"): (0xFFFF, "RM0377 16.4.12, recalled"),
    ("TIM21", "ARR"): (0xFFFF, "RM0377 17.4.10, recalled"),
    ("TIM22", "ARR"): (0xFFFF, "RM0377 17.4.10, recalled"),
    ("RTC", "ISR"): (0x7, "RM0377 22.7.4, recalled; HAL waits for WUTWF"),
    ("RTC", "PRER"): (0x007F00FF, "RM0377 22.7.5, recalled: 1 Hz from LSE"),
    ("RTC", "WUTR"): (0xFFFF, "RM0377 22.7.6, recalled"),
    ("DBGMCU", "IDCODE"): (0x10386425, "the device's own (RM0377 27.4.1)"),
}


def has(field: SVDField, register: SVDRegister) -> bool:
    return (field.access or register.access) not in {"read-only", None} or (
        field.access is None and not register.access
    )


def mask(field: SVDField) -> int:
    return ((1 << field.bit_width) - 1) << field.bit_offset


@pytest.fixture(scope="module")
def svd() -> dict[str, SVDPeripheral]:
    file = SVDFile.from_builtin("STM32L0x1.svd")
    file.load()
    assert file.device is not None
    found = {each.name: each for each in file.device.peripherals}
    for each in found.values():
        if each.derived_from and not each.registers:
            each.registers = found[each.derived_from].registers
    return {NAMES.get(name, name): each for name, each in found.items() if name not in BIGGER}


@pytest.fixture(scope="module")
def chip() -> Iterator[Stm32l031]:
    with Stm32l031(115200) as chip:
        yield chip


def modelled(chip: Stm32l031) -> dict[str, Peripheral]:
    """What to compare: not what is refused as a whole, nor what the SVD file leaves to Arm or out."""
    return {each.name: each for each in chip.peripherals if not isinstance(each, Refused | SystemControl | OptionBytes)}


def both(chip: Stm32l031, svd: dict[str, SVDPeripheral]) -> Iterator[tuple[str, Peripheral, Register, SVDRegister]]:
    for name, peripheral in modelled(chip).items():
        if isinstance(peripheral, Flash):
            continue  # its OPTR and WRPR are called otherwise, and its bits are another test's
        theirs = {
            RENAMED.get((name, each.name), each.name).removesuffix("_Input"): each for each in svd[name].registers
        }
        for register in peripheral.REGISTERS:
            if (name, register.name) not in EXTRA:
                yield name, peripheral, register, theirs[register.name]


def test_all_peripherals_of_the_part_are_on_the_bus(chip: Stm32l031, svd: dict[str, SVDPeripheral]) -> None:
    ours = {each.name: each.base for each in chip.peripherals if not isinstance(each, SystemControl | OptionBytes)}
    theirs = {name: each.base_address for name, each in svd.items()}
    assert ours == {**theirs, "the system memory": 0x1FF00000}  # no peripheral: the SVD lists none of its words


def test_all_registers_are_there(chip: Stm32l031, svd: dict[str, SVDPeripheral]) -> None:
    for name, peripheral in modelled(chip).items():
        ours = {register.offset for register in peripheral.REGISTERS if (name, register.name) not in EXTRA}
        assert ours == {each.address_offset for each in svd[name].registers}, name


def test_offsets_and_reset_values(chip: Stm32l031, svd: dict[str, SVDPeripheral]) -> None:
    wrong = []
    for name, peripheral, ours, theirs in both(chip, svd):
        assert ours.offset == theirs.address_offset, ours
        expected, _ = RESET.get((name, ours.name), (theirs.reset_value, ""))
        value = peripheral.value[ours.name]
        if not ours.refused and value != expected:
            wrong.append(f"{name}_{ours.name}: 0x{value:x}, expected 0x{expected:x}")
    assert not wrong


def test_each_bit_that_can_be_written_is_modelled_or_refused(chip: Stm32l031, svd: dict[str, SVDPeripheral]) -> None:
    wrong = []
    for name, _, ours, theirs in both(chip, svd):
        expected = sum(mask(field) for field in theirs.fields if has(field, theirs))
        expected, _ = WRITABLE.get((name, ours.name), (expected, ""))
        found = ours.writable | ours.unmodelled | ours.acts
        assert not ours.writable & ours.unmodelled, f"{name}_{ours.name}"
        if not ours.refused and found != expected:
            wrong.append(f"{name}_{ours.name}: 0x{found:08x}, expected 0x{expected:08x}")
    assert not wrong


def test_exceptions_are_needed(chip: Stm32l031, svd: dict[str, SVDPeripheral]) -> None:
    """An exception for what the SVD file says as well would hide that it says something else one day."""
    registers = {(name, ours.name): theirs for name, _, ours, theirs in both(chip, svd)}
    assert set(WRITABLE) | set(RESET) <= set(registers)
    for key, (expected, _) in RESET.items():
        assert registers[key].reset_value != expected, key
    for key, (expected, _) in WRITABLE.items():
        theirs = registers[key]
        assert sum(mask(field) for field in theirs.fields if has(field, theirs)) != expected, key


@pytest.mark.parametrize("name", ["I2C1", "ADC1", "CRC", "WWDG", "FIREWALL"])
def test_what_is_not_modelled_says_so(chip: Stm32l031, name: str) -> None:
    peripheral = next(each for each in chip.peripherals if each.name == name)
    with pytest.raises(NotModelledError, match=name):
        peripheral.read(0, 4)
    with pytest.raises(NotModelledError, match=name):
        peripheral.write(0, 4, 0)
