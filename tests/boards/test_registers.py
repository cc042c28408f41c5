"""Addresses and bits of the ports' headers against their makers' SVD files.

The RP2040's SVD file does not come with pyOCD; its header was held against pico-sdk's by hand (firmware/port/rp2040).
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from hil.resources import firmware_dir
from tests.boards.svd import registers

PORTS = firmware_dir() / "port"
MACRO = re.compile(r"^#define (\w+)(\(([\w, ]+)\))?\s+\S", re.MULTILINE)
DEREFERENCE = re.compile(r"\(\*\(volatile uint(?:8|32)_t \*\)")
ARGUMENTS = {"port": "0", "pin": "3", "channel": "2"}
SHIFT = "_SHIFT"


@dataclass(frozen=True)
class Family:
    """A port's headers, the SVD file of one of its parts, and what has another name there.

    Attributes:
        registers: our names, and the file's, with the number of the peripheral left out of both.
        fields: our names of bits, and the file's fields that they lie in.
    """

    svd: str
    headers: tuple[str, ...]
    registers: dict[str, str]
    fields: dict[str, tuple[str, ...]]


STM32 = ("stm32/gpio.h", "stm32/usart2.h")
STM32_REGISTERS = {
    **{f"GPIO_{name}": f"GPIOA_{name}" for name in ("MODER", "OSPEEDR", "PUPDR", "IDR", "BSRR", "BRR")},
    "GPIO_AFR": "GPIOA_AFRL",
}


def stm32_fields(mode: str, speed: str, pull: str, function: str) -> dict[str, tuple[str, ...]]:
    """Those of `stm32/gpio.h`, for pin 3."""
    ours = {
        mode: ("MODER_MASK", "MODER_OUTPUT", "MODER_AF"),
        speed: ("OSPEEDR_FASTEST",),
        pull: ("PUPDR_MASK", "PUPDR_UP"),
        function: ("AFR_MASK",),
    }
    return {f"GPIO_{name}": (f"{field}3",) for field, names in ours.items() for name in names}


FAMILIES = {
    "stm32f0": Family(
        "STM32F0xx.svd",
        ("stm32f0/stm32f0.h", *STM32),
        STM32_REGISTERS,
        {**stm32_fields("MODER", "OSPEEDR", "PUPDR", "AFRL"), "RCC_AHBENR_IOP": ("IOPAEN",)},
    ),
    "stm32l0": Family(
        "STM32L0x1.svd",
        ("stm32l0/stm32l0.h", *STM32),
        {**STM32_REGISTERS, **{f"DMA_{name}": f"DMA_{name}2" for name in ("CCR", "CNDTR", "CPAR", "CMAR")}},
        {
            **stm32_fields("MODE", "OSPEED", "PUPD", "AFSEL"),
            "RCC_IOPENR_IOP": ("IOPAEN",),
            "PWR_CR_LPSDSR": ("LPDS",),
            "RCC_CCIPR_LPTIM1SEL": ("LPTIM1SEL0", "LPTIM1SEL1"),
            "RCC_CCIPR_LPTIM1SEL_LSI": ("LPTIM1SEL0",),
            "DMA_CSELR_REQUEST": ("C2S",),
        },
    ),
    "nrf51": Family(
        "nrf51.svd",
        ("nrf51/nrf51.h",),
        {"GPIO_PIN_CNF": "GPIO_PIN_CNF3"},
        {
            "GPIO_PIN_CNF_INPUT": ("DIR", "INPUT"),
            "GPIO_PIN_CNF_INPUT_PULLUP": ("DIR", "PULL"),
            "GPIO_PIN_CNF_OUTPUT": ("DIR", "INPUT"),
            "TIMER0_BITMODE_32": ("BITMODE",),
            "SPIS1_SEMSTAT_MASK": ("SEMSTAT",),
            "SPIS1_SEMSTAT_CPU": ("SEMSTAT",),
        },
    ),
    "kinetis": Family(
        "MKL25Z4.svd",
        ("kinetis/kinetis.h",),
        {"PORT_PCR": "PORTA_PCR3", **{f"FGPIO_{name}": f"FGPIOA_{name}" for name in ("PSOR", "PCOR", "PDDR")}},
        {
            "SIM_SCGC5_PORT": ("PORTA",),
            "PORT_PCR_PULL_UP": ("PS", "PE"),
            "UART0_S1_ERRORS": ("OR", "NF", "FE", "PF"),
        },
    ),
    "lpc8xx": Family(
        "LPC845.xml",
        ("lpc8xx/lpc8xx.h",),
        {},
        {
            "SYSCON_FROOSCCTRL_DIRECT": ("FRO_DIRECT",),
            "SYSCON_PRESETCTRL0_UART0": ("UART0_RST_N",),
            "SYSCON_FCLK0SEL_MAIN": ("SEL",),
            "SWM_PINASSIGN0_TX_RX": ("U0_TXD_O", "U0_RXD_I"),
            "USART0_STAT_OVERRUN": ("OVERRUNINT",),
        },
    ),
}


@cache
def defined(port: str) -> tuple[dict[str, int], dict[str, int]]:
    """Addresses of registers, and all other numbers, by the macros' names."""
    family = FAMILIES[port]
    texts = [(PORTS / header).read_text(encoding="utf-8") for header in family.headers]
    calls = []
    for text in texts:
        for name, _, parameters in MACRO.findall(text):
            names = [each.strip() for each in parameters.split(",")] if parameters else []
            if name.endswith(("_H", "_REGISTER", "_REGISTER_8")) or not set(names) <= set(ARGUMENTS):
                continue
            calls.append(name + (f"({', '.join(ARGUMENTS[each] for each in names)})" if names else ""))
    source = "".join(f'#include "{header.rpartition("/")[2]}"\n' for header in family.headers)
    source += "".join(f'"{call.partition("(")[0]}" {call}\n' for call in calls)
    folders = {f"-I{PORTS / each}" for each in (*(Path(header).parent for header in family.headers), port, "uart")}
    done = subprocess.run(
        ["gcc", "-E", "-P", "-DBOARD_UART_BAUD=115200u", *sorted(folders), "-"],
        input=source,
        capture_output=True,
        text=True,
        check=True,
    )
    addresses, numbers = {}, {}
    for name, words in re.findall(r'^"(\w+)" (.*)$', done.stdout, re.MULTILINE):
        plain = re.sub(r"\b(0x[0-9A-Fa-f]+|\d+)(?:ull|u)\b", r"\1", DEREFERENCE.sub("(", words))
        if not re.fullmatch(r"[0-9A-Fa-fx\s()+*/|&<>~%-]+", plain):
            continue
        value = int(eval(plain.replace("/", "//"), {"__builtins__": {}}))  # noqa: S307 # numbers and operators alone
        (addresses if "volatile" in words else numbers)[name] = value & 0xFFFFFFFF
    return addresses, numbers


def plain(name: str) -> str:
    """Without the peripheral's number, in capitals."""
    peripheral, _, register = name.replace(".", "_", 1).partition("_")
    return f"{peripheral.rstrip('0123456789')}_{register}".upper()


@pytest.mark.parametrize("port", FAMILIES)
def test_registers_are_where_their_maker_says(port: str) -> None:
    family, known = FAMILIES[port], registers(FAMILIES[port].svd)
    addresses, _ = defined(port)
    assert len(addresses) > 10
    wrong = {}
    for name, address in addresses.items():
        there = [plain(each.name) for each in known.get(address, [])]
        if family.registers.get(plain(name), plain(name)) not in there:
            wrong[name] = f"{address:#x}: {there}"
    assert not wrong, "\n".join(f"{name}: {why}" for name, why in wrong.items())


@pytest.mark.parametrize("port", FAMILIES)
def test_bits_are_where_their_maker_says(port: str) -> None:
    family, known = FAMILIES[port], registers(FAMILIES[port].svd)
    addresses, numbers = defined(port)
    wrong, checked = {}, 0
    for name, value in numbers.items():
        owner = max((each for each in addresses if name.startswith(f"{each}_")), key=len, default=None)
        if owner is None:
            continue  # no register's: a number of an interrupt, say
        there = {field: span for each in known.get(addresses[owner], []) for field, span in each.fields.items()}
        ours = name.removeprefix(f"{owner}_")
        fields = family.fields.get(name, (max((each for each in there if ours.startswith(each)), key=len, default=""),))
        if not set(fields) <= set(there):
            wrong[name] = f"no such field among {sorted(there)}"
        elif not fits(value, [there[field] for field in fields], shift=name.endswith(SHIFT)):
            wrong[name] = f"{value:#x} is not {', '.join(f'{field} {there[field]}' for field in fields)}"
        checked += 1
    assert not wrong, "\n".join(f"{name}: {why}" for name, why in wrong.items())
    assert checked > 5


def fits(value: int, spans: list[tuple[int, int]], *, shift: bool) -> bool:
    """Whether a value lies within fields, each its lowest bit and its width, and has something of each of one bit."""
    if shift:
        return [value] == [low for low, _ in spans]
    within = sum(((1 << width) - 1) << low for low, width in spans)
    (low, width), several = spans[0], len(spans) > 1
    return not value & ~within and (several or width > 1 or value == 1 << low)
