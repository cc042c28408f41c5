"""The agent on the twin's nRF51822: over UART and SPI bit for bit, its cycles QEMU's, and defects that are found."""

from __future__ import annotations

import zlib
from itertools import count
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hil.build import build
from hil.cycles.counter import CycleCounter
from hil.cycles.timing import TimingModel
from hil.errors import HilError
from hil.link.spi.blocks import DATA_BYTES, Header, decode
from tests.contract import mixing
from tests.cycles.cases import load_case, public_cases
from tests.cycles.programs import BLOB_AT, HERE, LTC_SOURCES, build_program, run_qemu
from tests.hil.defects import Defect, Workshop
from tests.twin.counted import counted
from tests.twin.nrf51.agent import AgentChip51, Bridge51, UartWire, over, over_spi, over_uart
from tests.twin.nrf51.bench import BAUD, BOARD, PINS, Chip51
from tests.twin.streaming import load_work

if TYPE_CHECKING:
    from pathlib import Path

    from hil.link.agent import Agent
    from hil.work import Work

from elftools.elf.elffile import ELFFile

from hil.emulator.twin.core import Stop
from hil.emulator.twin.nrf51.part import Nrf51822
from hil.emulator.twin.nrf51.uart import Uart

CASES = ("tiny_dense", "autoncp16", "basicmotions")
NOBODY = bytes(4)
"""What a transaction hears that the board takes no part in."""


def stream(agent: Agent, work: Work, *, sequences: int = 3) -> int:
    """Run a beginning of a case, every bit compared; how many repairs it took."""
    agent.load_image(work.converted.image)
    steps = work.elapsed.shape[1]
    inputs, elapsed = work.inputs[:sequences], work.elapsed[:sequences]
    golden = work.golden_states[:sequences]
    result = agent.run(inputs.reshape(elapsed.size, -1), elapsed.reshape(-1), state=work.state0, sequence_steps=steps)
    assert np.array_equal(result.states.reshape(golden.shape), golden)
    return result.retries


@pytest.mark.parametrize("name", CASES)
def test_over_uart(name: str) -> None:
    with AgentChip51(build(BOARD).bin) as chip:
        assert stream(over_uart(chip), load_work(name), sequences=1) == 0


@pytest.mark.parametrize("ready", [True, False], ids=["data-ready", "polled"])
@pytest.mark.parametrize("name", CASES)
def test_over_spi(name: str, ready: bool) -> None:
    with AgentChip51(build(BOARD, link="spi").bin) as chip:
        assert stream(over_spi(chip, ready=ready), load_work(name)) == 0


def test_an_image_in_flash_over_spi() -> None:
    work = load_work("autoncp16")
    image = work.converted.image
    with AgentChip51(build(BOARD, link="spi").bin) as chip:
        assert chip.core.write(BOARD.image_slot.origin, image)
        agent = over_spi(chip)
        agent.open_flash_image(len(image), zlib.crc32(image))
        sequences, steps = work.elapsed.shape
        inputs = work.inputs.reshape(sequences * steps, -1)
        result = agent.run(inputs, work.elapsed.reshape(-1), state=work.state0, sequence_steps=steps)
        assert np.array_equal(result.states.reshape(work.golden_states.shape), work.golden_states)


# What holds of the slave, and what a defect breaks


def blocks_hold(firmware: Path | None) -> None:
    """Data-ready and armed blocks, step by step.

    Raises:
        AssertionError: something does not hold.
    """
    with AgentChip51(firmware) as chip:
        bridge = Bridge51(chip)
        assert bridge.data_ready()
        first = bridge.exchange(Header(0, 1).encode() + bytes(1))
        assert decode(first) == Header(1)
        assert first[4:] == b"\0"
        second = bridge.exchange(Header(0).encode())  # it comes before the interrupt
        assert second == NOBODY
        bridge.wait(1e-3)
        assert not bridge.data_ready()
        assert decode(bridge.exchange(Header(0).encode())) == Header(0)
        bridge.wait(1e-3)
        assert not bridge.data_ready()
        whole = Header(DATA_BYTES, DATA_BYTES).encode() + b"\x01" * DATA_BYTES
        assert decode(bridge.exchange(whole)) == Header(0)
        bridge.wait(2e-3)
        cut = chip.spi_master.transfer(whole, bridge.clock_hz, pulses=8 * 100 + 3)
        assert decode(cut) == Header(0)
        bridge.wait(2e-3)
        assert decode(bridge.exchange(Header(0).encode())) == Header(0)


def link_holds(firmware: Path | None) -> None:
    """Blocks, and a stream that fills them, without a repair."""
    blocks_hold(firmware)
    with AgentChip51(firmware) as chip:
        agent = over_spi(chip)
        agent.identify()
        assert stream(agent, load_work("autoncp16"), sequences=1) == 0


def test_link_holds() -> None:
    link_holds(build(BOARD, link="spi").bin)


FAULT = "    *(volatile uint32_t *)0x30000000u = 1;\n"
BYTE_S = 10 / BAUD


def test_a_fault_before_the_uart_is_on_waits_for_one_byte_in_all_its_reports(tmp_path: Path) -> None:
    edit = ("port/nrf51/port.c", "    nrf51_link_start();\n", FAULT + "    nrf51_link_start();\n")
    artefact = build(BOARD, firmware_root=mixing.firmware(tmp_path, edit))
    assert artefact.bin is not None
    with artefact.elf.open("rb") as stream, Chip51(artefact.bin.read_bytes()) as chip:
        table = ELFFile(stream).get_section_by_name(".symtab")
        report, poll = (
            table.get_symbol_by_name(name)[0]["st_value"] & ~1 for name in ("startup_fault_report", "startup_poll")
        )
        for place in (report, poll):
            assert chip.core.breakpoint(place, on=True)
        assert chip.run(chip.now() + chip.clock_hz) is Stop.BREAKPOINT
        assert chip.core.read_register("pc") == report
        begun = chip.seconds()
        chip.core.breakpoint(report, on=False)
        assert chip.run(chip.now() + chip.clock_hz) is Stop.BREAKPOINT
        assert chip.core.read_register("pc") == poll
        first = float(chip.seconds() - begun)
        assert 1000 * BYTE_S < first < 2000 * BYTE_S


class PatientWire(UartWire):
    """The host's clock goes on where the board has nothing to say."""

    def read(self) -> bytes:
        self._chip.wait(round(BYTE_S * self._chip.clock_hz))
        data = bytes(self._chip.serial.to_host)
        self._chip.serial.to_host.clear()
        return data


@pytest.mark.parametrize(("byte_times", "retries"), [(100, 0), (3000, 1)])
def test_a_byte_that_leaves_late_costs_time_and_much_later_its_frame_and_no_more(
    monkeypatch: pytest.MonkeyPatch, byte_times: int, retries: int
) -> None:
    """As where the other end of an emulated UART is slow."""
    write, bytes_written = Uart.write_txd, count()

    def held_up(uart: Uart, word: int, mask: int) -> None:
        if next(bytes_written) != 100:
            write(uart, word, mask)
            return
        cycles = round(byte_times * BYTE_S * uart._chip.clock_hz)
        uart._chip.outside.at(uart._chip.now() + cycles, lambda _cycle: write(uart, word, mask))

    monkeypatch.setattr(Uart, "write_txd", held_up)
    with AgentChip51(build(BOARD).bin) as chip:
        agent = over(chip, PatientWire(chip))
        assert agent.echo(bytes(range(200))) == bytes(range(200))
        assert agent.retries == retries
        assert stream(agent, load_work("tiny_dense"), sequences=1) == 0


SPI = "port/nrf51/spi.c"
DEFECTS = (
    Defect("wrong DEF character", SPI, "SPIS1_DEF = 0;", "SPIS1_DEF = 0xC5;"),
    Defect("semaphore not released", SPI, "    SPIS1_TASKS_RELEASE = 1;\n", ""),
    Defect("MAXRX one too small", SPI, "SPIS1_MAXRX = SPI_BLOCK_BYTES;", "SPIS1_MAXRX = SPI_BLOCK_BYTES - 1u;"),
    Defect("MAXTX one too small", SPI, "SPIS1_MAXTX = count;", "SPIS1_MAXTX = count - 1u;"),
    Defect("data-ready stuck high", SPI, "GPIO_OUTCLR = 1u << BOARD_SPI_DATA_READY_PIN", "(void)0"),
    Defect("data-ready stuck low", SPI, "GPIO_OUTSET = 1u << BOARD_SPI_DATA_READY_PIN", "(void)0"),
    Defect("no shortcut", SPI, "    SPIS1_SHORTS = SPIS1_SHORTS_END_ACQUIRE;\n", ""),
    Defect("another mode", SPI, "SPIS1_CONFIG_MODE(BOARD_SPI_MODE)", "SPIS1_CONFIG_MODE(3u)"),
    Defect("no interrupt", SPI, "    SPIS1_INTENSET = SPIS1_INTENSET_END;\n", ""),
    Defect("END is not forgotten", SPI, "        SPIS1_EVENTS_END = 0;\n", ""),
)


@pytest.fixture(scope="module")
def only_workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("workshop"), BOARD, "spi")


@pytest.fixture
def workshop(only_workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    monkeypatch.setenv("HIL_CACHE_DIR", str(only_workshop.cache))
    return only_workshop


@pytest.mark.parametrize("defect", DEFECTS, ids=str)
def test_a_defect_is_found(defect: Defect, workshop: Workshop) -> None:
    with workshop.planted(defect) as artefact, pytest.raises((AssertionError, HilError)):
        link_holds(artefact.bin)


# Cycles


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_program(tmp_path_factory.mktemp("steps") / "steps.elf", HERE / "steps.c", *LTC_SOURCES)


@pytest.mark.parametrize("name", public_cases())
def test_no_difference_to_qemu(steps: Path, tmp_path: Path, name: str) -> None:
    """The same program, whose clock on QEMU is its plugin's model alone: every step of a beginning of each case."""
    case = load_case(name, sequences=2, steps=40)
    blob = tmp_path / "blob"
    blob.write_bytes(case.blob)
    model = TimingModel("cortex-m0")
    with CycleCounter(steps, model) as counter:
        assert run_qemu(steps, counter=counter, blob=blob).result == case.checksum
        qemu = counter.counts()
    with CycleCounter(steps, model, measure=["ltc_step"]) as counter:
        chip = Nrf51822(BAUD, PINS)
        with steps.open("rb") as file:
            for segment in ELFFile(file).iter_segments("PT_LOAD"):
                chip.core.write(segment["p_paddr"], segment.data())
        chip.core.write(BLOB_AT, case.blob)
        with counted(chip.core, counter):
            chip.reset()
            assert chip.run(1 << 40) is Stop.ASLEEP, (chip.trouble, chip.fault_words())
        twin = counter.counts()
        assert int.from_bytes(chip.serial.to_host, "little") == case.checksum
    cycles = [call.cycles for call in qemu.of("ltc_step")]
    assert len(cycles) == case.steps
    assert [call.cycles for call in twin.of("ltc_step")] == cycles
