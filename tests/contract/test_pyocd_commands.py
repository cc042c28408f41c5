"""Stock pyOCD, as users call it, on emulated boards: every command in a process of its own, with real QEMU and gdb.

What programs a flash runs on both boards; what is about probes and debuggers alone, on the micro:bit.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hil.board import load_board
from hil.emulator.machine import MachineError
from hil.emulator.power import power, power_or_connect
from hil.errors import RigError
from tests.contract.keeper import printed_when_powered
from tests.contract.test_leftovers import children_of
from tests.contract.tiny_firmware import TinyFirmware, build

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TOOLS = Path(sys.executable).parent
TIMEOUT_S = 60
UID = "emulated:microbit"


@dataclass(frozen=True)
class Target:
    """A board with firmware for it.

    Attributes:
        target: what pyOCD calls it.
        page: what pyOCD erases and programs at a time, in bytes.
    """

    name: str
    target: str
    page: int
    firmware: TinyFirmware

    @property
    def options(self) -> tuple[str, ...]:
        return ("-u", f"emulated:{self.name}", "-t", self.target)

    @property
    def stack(self) -> int:
        """Where its stack begins: the end of RAM."""
        ram = load_board(self.name).memory.ram
        return ram.origin + ram.bytes

    def flash(self) -> bytes:
        return flash_of_board(self.name)

    def programmed(self) -> bytes:
        """The flash with the firmware as pyOCD leaves it: it fills a page with 0xff, whatever the chip erases to."""
        content = self.firmware.bin.read_bytes()
        pages = content.ljust(-(-len(content) // self.page) * self.page, b"\xff")
        return pages.ljust(self.firmware.flash.bytes, bytes([self.firmware.flash.erased_byte]))


@pytest.fixture(scope="module")
def firmware(tmp_path_factory: pytest.TempPathFactory) -> TinyFirmware:
    return build(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(
    scope="module",
    params=[("microbit", "nrf51", 1024), ("nucleo-l031", "stm32l031x6", 128)],
    ids=lambda parameters: parameters[0],
)
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Target:
    name, target, page = request.param
    return Target(name, target, page, build(tmp_path_factory.mktemp(name), board=name))


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "state"


def pyocd(*arguments: str | Path, fails: bool = False) -> str:
    done = subprocess.run([TOOLS / "pyocd", *arguments], capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    output = done.stdout + done.stderr
    assert bool(done.returncode) == fails, output
    return output


def listed() -> list[str]:
    output = subprocess.run(
        [TOOLS / "pyocd", "json", "--probes"], capture_output=True, text=True, timeout=TIMEOUT_S, check=True
    ).stdout
    return [probe["unique_id"] for probe in json.loads(output)["boards"]]


@contextmanager
def emulate(name: str = "microbit") -> Iterator[str]:
    """``hil emulate NAME`` in a process; yields what it printed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "hil", "emulate", name],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    printed = printed_when_powered(process)
    try:
        yield printed
    finally:
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=TIMEOUT_S)[0]
    assert process.returncode == 0, rest
    assert "is off" in rest


def test_a_board_whose_emulator_has_ended_is_not_shown_as_powered() -> None:
    command = [sys.executable, "-m", "hil", "emulate", "microbit"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        printed_when_powered(process)
        assert listed() == ["emulated:microbit"]
        with power_or_connect(load_board("microbit")) as guest:
            (emulator,) = children_of(guest.supervisor_pid)
            os.kill(emulator, signal.SIGKILL)
            try:
                printed = process.communicate(timeout=TIMEOUT_S)[0]
            finally:
                process.kill()
            assert printed.startswith("error (rig): the emulator of board 'microbit' has ended by itself")
            assert "QEMU ended (SIGKILL); it printed: nothing" in printed
            assert process.returncode == RigError.exit_code
            for _ in range(2):
                with pytest.raises(MachineError, match="has ended by itself") as caught:
                    guest.machine.status()
                assert caught.value.cause == "QEMU ended (SIGKILL); it printed: nothing"
    assert listed() == []


def flash_of_board(name: str = "microbit") -> bytes:
    with power(load_board(name)) as board:
        return board.machine.flash_image()


def test_flash_programs_and_the_flash_survives(target: Target) -> None:
    pages = -(-len(target.firmware.bin.read_bytes()) // target.page)
    size = pages * target.page
    output = pyocd("flash", *target.options, target.firmware.hex)
    assert re.search(rf"programmed {size} bytes \({pages} pages?\)", output), output
    assert target.flash() == target.programmed()
    again = pyocd("flash", *target.options, target.firmware.hex)
    assert re.search(rf"programmed 0 bytes .*identical {size} bytes", again), again


def test_flash_knows_the_target_without_being_told(target: Target) -> None:
    pyocd("flash", "-u", f"emulated:{target.name}", target.firmware.elf)
    assert target.flash() == target.programmed()


def test_flash_of_many_pages_is_right_in_every_byte(target: Target, tmp_path: Path) -> None:
    wanted = bytearray(target.programmed())
    for salt in (7, 11):  # once onto erased flash, and once over other content
        content = bytearray((each * salt + each // 256) % 256 for each in range(20480))
        for page, byte in ((3, 0xFF), (4, 0xFF), (salt, 0x00), (16, 0x00)):
            content[page * 1024 : (page + 1) * 1024] = bytes([byte]) * 1024
        (tmp_path / "data.bin").write_bytes(content)
        pyocd("flash", *target.options, target.firmware.hex)
        at = len(wanted) // 4 + 0x400
        pyocd("flash", *target.options, "--base-address", hex(target.firmware.flash.origin + at), "data.bin")
        wanted[at : at + len(content)] = content
        assert target.flash() == bytes(wanted)


def test_erase_chip_and_sector(target: Target) -> None:
    flash = target.firmware.flash
    pyocd("flash", *target.options, target.firmware.hex)
    start = hex(flash.origin + 0x2000)
    pyocd("flash", *target.options, "--base-address", start, target.firmware.bin)
    assert target.flash() != target.programmed()
    pyocd("erase", *target.options, "--sector", f"{start}+0x400")
    assert target.flash() == target.programmed()
    pyocd("erase", *target.options, "--chip")
    assert target.flash() == bytes([flash.erased_byte]) * flash.bytes


def test_reset_restarts_the_firmware(target: Target) -> None:
    uid = ("-u", f"emulated:{target.name}")
    pyocd("flash", *target.options, target.firmware.hex)
    with emulate(target.name):
        mark = f"0x{target.firmware.symbols['counter'] + 0x1000:08x}"
        pyocd("commander", *uid, "-c", "halt", "-c", f"write32 {mark} 0x12345678")
        halted = pyocd("commander", *uid, "-O", "resume_on_disconnect=false", "-c", "halt", "-c", "reg pc")
        assert "pc = 0x" in halted
        pyocd("reset", *target.options)
        after = pyocd("commander", *uid, "-O", "connect_mode=attach", "-c", "status", "-c", f"read32 {mark}")
    assert "Running" in after
    assert "12345678" in after  # RAM outlives a reset, so the board was not merely powered anew


def test_commander_sees_memory_registers_and_steps(target: Target) -> None:
    firmware = target.firmware
    pyocd("flash", *target.options, firmware.hex)
    step = firmware.symbols["step"]
    commands = [
        "halt",
        f"read32 0x{firmware.flash.origin:x} 8",
        f"break 0x{step:x}",
        "continue",
        "sleep 100",
        "halt",
        "reg pc",
        "step",
        "reg pc",
    ]
    commands += [
        "write32 0x20001800 0xcafe0001",
        "read32 0x20001800",
        "wreg r5 0x1234",
        "reg r5",
        "reg control",
        "status",
    ]
    output = pyocd(
        "commander", "-u", f"emulated:{target.name}", *(word for command in commands for word in ("-c", command))
    )
    assert f"{target.stack:08x} {firmware.symbols['start'] + 1:08x}" in output
    assert re.findall(r"pc = 0x(\w{8})", output) == [f"{step:08x}", f"{step + 2:08x}"]
    assert "cafe0001" in output
    assert "r5 = 0x00001234" in output
    assert "Halted" in output


def test_commander_reaches_the_debug_port_itself() -> None:
    output = pyocd("commander", "-u", UID, "-c", "readdp 0", "-c", "readap 0xfc", "-c", "readap 0xf8")
    assert "0x0bb11477" in output
    assert "0x04770021" in output
    assert "0xe00ff003" in output


def test_reading_nothing_is_a_fault_not_a_value() -> None:
    output = pyocd("commander", "-u", UID, "-c", "halt", "-c", "read32 0x30000000", fails=True)
    assert re.search("transfer f", output), output  # "transfer failed" or "transfer fault", by pyOCD's version
    assert "30000000:" not in output


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextmanager
def gdbserver(
    name: str = "microbit", target: str = "nrf51", after: Callable[[str], object] = lambda _: None
) -> Iterator[int]:
    """``pyocd gdbserver`` in a process; yields its port. ``after`` is given its whole log."""
    port = free_port()
    server = subprocess.Popen(
        [TOOLS / "pyocd", "gdbserver", "-u", f"emulated:{name}", "-t", target, "-p", str(port), "-T", "0"],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert server.stderr is not None
    log = ""
    try:
        while "GDB server listening" not in log:
            line = server.stderr.readline()
            assert line, log
            log += line
        yield port
    finally:
        server.send_signal(signal.SIGINT)
        after(log + server.communicate(timeout=TIMEOUT_S)[1])


def gdb(port: int, elf: Path, *commands: str) -> str:
    before = ("set confirm off", f"target remote localhost:{port}")
    words = [word for command in (*before, *commands) for word in ("-ex", command)]
    done = subprocess.run(
        ["gdb-multiarch", "-nx", "-batch", *words, elf], capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    return done.stdout + done.stderr


def test_gdb_breaks_steps_reads_and_continues(target: Target) -> None:
    firmware = target.firmware
    pyocd("flash", *target.options, firmware.hex)
    with gdbserver(target.name, target.target) as port:
        output = gdb(
            port,
            firmware.elf,
            "monitor reset halt",
            "maintenance flush register-cache",
            'printf "START %x\\n", $pc',
            "break step",
            "continue",
            "continue",
            'printf "STEP x=%d counter=%d pc=%x\\n", x, counter, $pc',
            "stepi",
            'printf "NEXT %x\\n", $pc',
            f'printf "MAGIC %x %x\\n", magic, *(int *)0x{firmware.flash.origin:x}',
            "set var counter = 77",
            "delete",
            "watch counter",
            "continue",
            'printf "WATCH %d\\n", counter',
            "monitor read32 0xe000ed30",  # DFSR
            "delete",
            "set can-use-hw-watchpoints 0",
            "watch counter",
            "continue",
            "detach",
        )
    step = firmware.symbols["step"]
    assert f"START {firmware.symbols['start']:x}\n" in output, output
    assert f"STEP x=1 counter=1 pc={step:x}\n" in output, output
    assert f"NEXT {step + 2:x}\n" in output, output
    assert f"MAGIC c0ffee {target.stack:x}\n" in output, output
    assert "WATCH 78\n" in output, output
    # The core tells that it was a watchpoint; pyOCD's server does not pass it on (docs/adr/0005-twin.md).
    assert "e000ed30:  00000004 " in output, output
    assert "Old value = 78\nNew value = 79\n" in output, output


def test_gdb_loads_a_program_and_runs_it(target: Target) -> None:
    firmware = target.firmware
    with gdbserver(target.name, target.target) as port:
        output = gdb(
            port, firmware.elf, "load", "monitor reset halt", "tbreak step", "continue", 'printf "AT %x\\n", $pc'
        )
    assert f"AT {firmware.symbols['step']:x}\n" in output, output
    assert target.flash() == target.programmed()


def test_a_private_board_is_on_no_list_and_in_use() -> None:
    with power(load_board("microbit")):
        assert listed() == []
        output = pyocd("reset", "-u", UID, "-t", "nrf51", fails=True)
    assert f"emulated board 'microbit' is in use by process {os.getpid()}" in output


def test_emulated_boards_are_listed_while_powered_and_only_then() -> None:
    assert listed() == []
    with emulate("microbit.2") as printed, emulate():
        assert listed() == ["emulated:microbit", "emulated:microbit.2"]
        assert "-u emulated:microbit.2" in printed
        table = pyocd("list")
        assert "emulated BBC micro:bit v1" in table
        assert "nrf51" in table
    assert listed() == []
    assert "No available debug probes" in pyocd("list")


def test_a_board_of_a_file_of_one_s_own_is_found_by_its_name(tmp_path: Path) -> None:
    shipped = load_board("microbit").file
    assert shipped is not None
    mine = tmp_path / "my-board.yaml"
    mine.write_text(shipped.read_text().replace("name: microbit\n", "name: my-board\n"))
    with emulate(str(mine)) as printed, emulate():
        assert "(pyocd reset -u emulated:my-board -t nrf51)" in printed
        assert listed() == ["emulated:microbit", "emulated:my-board"]
        pyocd("reset", "-u", "emulated:my-board", "-t", "nrf51")
        mine.unlink()
        assert listed() == ["emulated:microbit"]  # nothing tells any more what it is


def test_commands_share_the_board_that_is_kept_powered(firmware: TinyFirmware) -> None:
    with emulate() as printed:
        pyocd("flash", "-u", UID, firmware.hex)
        assert "Running" in pyocd("commander", "-u", "microbit", "-c", "status")  # a uid without a colon finds it
        serial_path = re.search(r"/dev/\S+", printed)
        assert serial_path
        port = os.open(serial_path[0], os.O_RDWR | os.O_NOCTTY)
        os.write(port, b"hello")
        answer = b""
        while len(answer) < 5:
            answer += os.read(port, 16)
        os.close(port)
    assert answer == b"HELLO"
    assert flash_of_board() == firmware.flash_image()


def test_two_clients_at_a_time_are_one_too_many() -> None:
    with emulate():
        first = subprocess.Popen(
            [TOOLS / "pyocd", "commander", "-u", UID], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert first.stdin is not None
        assert first.stdout is not None
        first.stdin.write("status\n")
        first.stdin.flush()
        assert "Connected" in first.stdout.readline()
        output = pyocd("commander", "-u", UID, "-c", "status", fails=True)
        assert f"emulated board 'microbit' is in use by process {first.pid}" in output
        first.communicate("exit\n", timeout=TIMEOUT_S)
        pyocd("commander", "-u", UID, "-c", "status")


def test_a_client_that_is_killed_leaves_the_board_usable(firmware: TinyFirmware) -> None:
    pyocd("flash", "-u", UID, firmware.hex)
    with emulate():
        client = subprocess.Popen(
            [TOOLS / "pyocd", "commander", "-u", UID], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert client.stdin is not None
        assert client.stdout is not None
        client.stdin.write(f"halt\nbreak 0x{firmware.symbols['step']:x}\nreg pc\n")
        client.stdin.flush()
        while "pc = " not in (line := client.stdout.readline()):
            assert line
        client.kill()
        client.communicate()
        # Its breakpoint is gone: the firmware passes it.
        commands = ["go", "sleep 50", "status"]
        output = pyocd("commander", "-u", UID, *(word for each in commands for word in ("-c", each)))
    assert "Running" in output


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    output = pyocd("flash", "-u", "emulated:microbitt", "x.hex", fails=True)
    assert "there is no emulated board 'microbitt'; known are: microbit" in output


def test_a_foreign_uid_powers_nothing(state: Path) -> None:
    # pyOCD waits for a probe of this uid; that it waits shows that nobody offered one.
    process = subprocess.Popen([TOOLS / "pyocd", "reset", "-u", "microbit"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert "Waiting for a debug probe matching" in process.stdout.readline()
    process.kill()
    process.communicate()
    assert not state.exists()


def test_a_missing_emulator_is_said_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    output = pyocd("reset", "-u", UID, "-t", "nrf51", fails=True)
    assert "qemu-system-arm is not installed" in output
    assert "apt-get install --yes qemu-system-arm" in output


def test_emulate_says_what_is_wrong() -> None:
    def run(name: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "hil", "emulate", name],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        return done.returncode, done.stderr

    code, message = run("mikrobit")
    assert code != 0
    assert "did you mean 'microbit'?" in message
    code, message = run("microbit.x")
    assert code != 0
    assert "'x' names no instance" in message
    with emulate():
        code, message = run("microbit")
        assert code != 0
        assert "powered already by process" in message
