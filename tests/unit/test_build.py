"""Building firmware: what goes in decides the build id, what fails says where, and an unchanged build costs nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from hil.board import load_board
from hil.build import build
from hil.build_tool import run_tool
from hil.errors import BuildError
from hil.resources import firmware_dir

REPO = Path(__file__).resolve().parents[2]
MICROBIT = load_board("microbit")
LTC_BYTES = 6144  # that the runtime may have, with every solver
FUSED_BYTES = 4096  # and with the fused one alone


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HIL_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    return Path(shutil.copytree(firmware_dir(), tmp_path / "firmware", ignore=shutil.ignore_patterns("build")))


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


def test_an_unchanged_build_is_found_at_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    first = build(MICROBIT, progress=lines.append)
    assert not first.cached
    assert any("agent.c" in line for line in lines)
    lines.clear()
    monkeypatch.setattr("hil.build.run_tool", None)  # no tool is needed
    again = build(MICROBIT, progress=lines.append)
    assert again.cached
    assert again.build_id == first.build_id
    assert lines == []
    assert [path.name for path in (cache / "build").iterdir() if "work" in path.name] == []


def test_the_artefact(cache: Path) -> None:
    artefact = build(MICROBIT)
    assert artefact.elf.is_relative_to(cache)
    assert artefact.elf.read_bytes()[:4] == b"\x7fELF"
    assert artefact.hex is not None
    assert artefact.bin is not None
    assert artefact.hex.read_text().startswith(":")
    assert artefact.bin.stat().st_size == artefact.flash_bytes
    # IDENTIFY reports it, so stale firmware is recognisable by the same eight bytes.
    assert bytes.fromhex(artefact.build_id) in artefact.bin.read_bytes()
    assert artefact.compiler.startswith("arm-none-eabi-gcc ")
    assert 0 < artefact.ltc_text_bytes <= LTC_BYTES
    assert artefact.ltc_text_bytes < artefact.flash_bytes < artefact.flash_limit == 0x20000
    assert 0 < artefact.ram_bytes < artefact.ram_limit == 0x4000
    report = artefact.size_report()
    assert f"flash {artefact.flash_bytes} of 131072 bytes, of which the LTC runtime {artefact.ltc_text_bytes}" in report
    assert 0 < artefact.stack_bytes <= artefact.stack_limit == 1024
    assert f"stack 1024, of which {artefact.stack_bytes} needed at the deepest" in report
    assert f"{0x20000 - artefact.flash_bytes} left" in report
    assert f"{0x4000 - artefact.ram_bytes} left for networks" in report


@pytest.mark.usefixtures("cache")
def test_whatever_goes_in_changes_the_build_id(sources: Path) -> None:
    first = build(MICROBIT, firmware_root=sources)
    ids = {first.build_id}
    edit(sources / "ltc" / "ltc.c", "uint32_t ltc_version(void) {", "/* changed */\nuint32_t ltc_version(void) {")
    ids.add(build(MICROBIT, firmware_root=sources).build_id)
    ids.add(build(MICROBIT, firmware_root=sources, defines={"UNUSED_DEFINITION": "1"}).build_id)
    assert MICROBIT.links.uart is not None
    uart = MICROBIT.links.uart.model_copy(update={"baud": 230_400})
    faster = MICROBIT.model_copy(update={"links": MICROBIT.links.model_copy(update={"uart": uart})})
    ids.add(build(faster, firmware_root=sources).build_id)
    assert len(ids) == 4
    # Whatever its suffix, and wherever a port includes it from.
    (sources / "port" / "armv6m" / "divide.S").write_text("nop")
    ids.add(build(MICROBIT, firmware_root=sources).build_id)
    (sources / "port" / "armv6m" / "divide.S").write_text("nop; nop")
    ids.add(build(MICROBIT, firmware_root=sources).build_id)
    (sources / "port" / "armv6m" / "divide.S").unlink()
    shared = sources / "port" / "nordic"
    shared.mkdir()
    (shared / "pins.inc").write_text("1")
    script = sources / "port" / "nrf51" / "port.cmake"
    script.write_text(script.read_text() + "# reads port/nordic/pins.inc\n")
    ids.add(build(MICROBIT, firmware_root=sources).build_id)
    (shared / "pins.inc").write_text("2")
    ids.add(build(MICROBIT, firmware_root=sources).build_id)
    assert len(ids) == 8
    edit(script, "# reads port/nordic/pins.inc\n", "")
    # Other boards' sources and words that are not compiled do not make a board's firmware stale.
    edit(sources / "ltc" / "ltc.c", "/* changed */\n", "")
    (sources / "port" / "host" / "port.c").write_text("changed")
    (sources / "ltc" / "README.md").write_text("changed")
    (sources / "agent" / ".agent.c.swp").write_text("changed")
    assert build(MICROBIT, firmware_root=sources).build_id == first.build_id


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("name", ["microbit", "nucleo-l031"])
def test_the_runtime_with_the_fused_solver_alone(name: str) -> None:
    assert 0 < build(load_board(name), defines={"LTC_FUSED_ONLY": "1"}).ltc_text_bytes <= FUSED_BYTES


@pytest.mark.usefixtures("cache")
def test_the_runtime_s_bytes_are_those_of_its_c_its_assembly_and_its_tables(sources: Path) -> None:
    before = {name: build(load_board(name)).ltc_text_bytes for name in ("microbit", "nucleo-l031")}
    assert max(before.values()) <= LTC_BYTES
    for file, old, new in (
        ("ltc.c", "    return LTC_VERSION;", '    __asm("nop\\n nop");\n    return LTC_VERSION;'),
        ("ltc_kernel_v6m.S", ".Lgathered:", "nop\nnop\n.Lgathered:"),
        ("ltc_tables.h", "sigmoid[LTC_SIGMOID_INTERVALS];", "sigmoid[LTC_SIGMOID_INTERVALS], more;"),
    ):
        edit(sources / "ltc" / file, old, new)
    after = {name: build(load_board(name), firmware_root=sources).ltc_text_bytes for name in before}
    assert after == {name: size + 3 * 4 for name, size in before.items()}


@pytest.mark.usefixtures("cache")
def test_a_definition_reaches_the_compiler(sources: Path) -> None:
    edit(
        sources / "agent" / "main.c",
        '#include "main.h"',
        '#include "main.h"\n#if ANSWER == 42\n#error "it is 42"\n#endif',
    )
    build(MICROBIT, firmware_root=sources, defines={"ANSWER": "41"})
    with pytest.raises(BuildError, match="it is 42"):
        build(MICROBIT, firmware_root=sources, defines={"ANSWER": "42"})


@pytest.mark.usefixtures("cache")
def test_a_compile_error_names_file_and_line(sources: Path) -> None:
    path = sources / "agent" / "agent.c"
    lines = path.read_text().splitlines()
    place = next(i for i, line in enumerate(lines) if line.startswith("static void do_echo"))
    lines.insert(place, "static int broken(void) { return nonsense; }")
    path.write_text("\n".join(lines))
    with pytest.raises(
        BuildError,
        match=rf"firmware/agent/agent.c:{place + 1}: .*board 'microbit' does not compile: 'nonsense' undeclared",
    ):
        build(MICROBIT, firmware_root=sources)


@pytest.mark.usefixtures("cache")
def test_a_warning_is_an_error(sources: Path) -> None:
    edit(sources / "agent" / "main.c", "static struct agent agent;", "static struct agent agent;\nstatic int unused;")
    with pytest.raises(BuildError, match=r"firmware/agent/main.c:\d+: .*unused"):
        build(MICROBIT, firmware_root=sources)


@pytest.mark.usefixtures("cache")
def test_a_failed_build_is_not_cached(sources: Path) -> None:
    path = sources / "agent" / "main.c"
    sound = path.read_text()
    path.write_text(sound + "\nbroken\n")
    for _ in range(2):
        with pytest.raises(BuildError, match=r"main\.c:\d+"):
            build(MICROBIT, firmware_root=sources)
    path.write_text(sound)
    assert not build(MICROBIT, firmware_root=sources).cached


@pytest.mark.usefixtures("cache")
def test_what_does_not_fit_is_said_in_bytes() -> None:
    small = MICROBIT.memory.ram.model_copy(update={"bytes": 0x1000})
    board = MICROBIT.model_copy(update={"memory": MICROBIT.memory.model_copy(update={"ram": small})})
    with pytest.raises(BuildError, match=r"does not fit board 'microbit': RAM is too small by \d+ bytes"):
        build(board)
    slot = MICROBIT.image_slot.model_copy(update={"origin": 0x1000})
    with pytest.raises(
        BuildError, match=r"does not fit board 'microbit': FLASH is too small by \d+ bytes\n  hint: the pro"
    ):
        build(MICROBIT.model_copy(update={"image_slot": slot}))
    tight = MICROBIT.memory.ram.model_copy(update={"bytes": 0x1400})
    board = MICROBIT.model_copy(update={"memory": MICROBIT.memory.model_copy(update={"ram": tight})})
    with pytest.raises(BuildError, match="does not fit board 'microbit': too little RAM is left for a network"):
        build(board)


@pytest.mark.usefixtures("cache")
def test_a_stack_that_does_not_fit_is_told_with_the_calls_that_fill_it(sources: Path) -> None:
    edit(sources / "agent" / "main.c", "received[64]", "received[640]")
    with pytest.raises(
        BuildError, match=r"does not fit board 'microbit': its stack needs 1[0-9]{3} bytes, and 1024"
    ) as it:
        build(MICROBIT, firmware_root=sources)
    assert it.value.cause is not None
    assert it.value.cause.startswith("the deepest calls: startup_run > main_loop > agent_receive > ")
    assert it.value.hint is not None
    assert "raise HIL_STACK_BYTES in firmware/CMakeLists.txt" in it.value.hint


@pytest.mark.usefixtures("cache")
def test_a_wrong_pin_is_named() -> None:
    uart = MICROBIT.links.model_copy(update={"uart": MICROBIT.links.uart.model_copy(update={"tx": "PA9"})})
    with pytest.raises(BuildError, match="cannot be built") as caught:
        build(MICROBIT.model_copy(update={"links": uart}))
    assert "HIL_UART_TX is 'PA9', not a pin of an nRF51" in str(caught.value)


@pytest.mark.usefixtures("cache")
def test_a_missing_compiler_comes_with_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BuildError, match="C compiler arm-none-eabi-gcc is not installed") as caught:
        build(MICROBIT)
    assert caught.value.hint == "sudo apt-get install --yes gcc-arm-none-eabi"
    with pytest.raises(BuildError, match="C compiler gcc is not installed"):
        build(load_board("host"))


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize(
    ("script", "words"),
    [
        (None, "arm-none-eabi-size is not installed\n  hint: sudo apt-get install --yes binutils-arm-none-eabi"),
        ("echo broken >&2; exit 3", "arm-none-eabi-size fails\n  caused by: broken"),
        ("echo nothing", "arm-none-eabi-size tells no size of the firmware's code\n  caused by: nothing"),
    ],
)
def test_a_size_tool_that_is_of_no_use_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str | None, words: str
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for found in (path for folder in os.environ["PATH"].split(":") for path in Path(folder).glob("*")):
        if found.name != "arm-none-eabi-size":
            with suppress(FileExistsError):
                (tools / found.name).symlink_to(found)
    if script is not None:
        (tools / "arm-none-eabi-size").write_text(f"#!/bin/sh\n{script}\n")
        (tools / "arm-none-eabi-size").chmod(0o755)
    monkeypatch.setenv("PATH", str(tools))
    with pytest.raises(BuildError) as caught:
        build(MICROBIT)
    assert str(caught.value) == words


def test_a_tool_that_does_not_end_is_ended_with_all_it_started() -> None:
    lines: list[str] = []
    begun = time.monotonic()
    with pytest.raises(BuildError, match=r"the build took longer than 0\.5 s") as caught:
        run_tool(["sh", "-c", "sleep 60 & echo $!; wait"], timeout_s=0.5, environment=os.environ, progress=lines.append)
    assert time.monotonic() - begun < 30
    assert caught.value.cause == lines[0]
    state = Path("/proc", lines[0], "stat")
    until = time.monotonic() + 5  # what was killed may still be on its way
    while (alive := state.exists() and state.read_text().split()[2] != "Z") and time.monotonic() < until:
        time.sleep(0.01)
    assert not alive


def test_only_the_builds_used_last_are_kept(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hil.build._KEPT", 2)
    (cache / "build").mkdir(parents=True)
    others = [cache / "build" / name for name in ("microbit-2-0123456789abcdef", "microbit.lock")]
    for other in others:
        other.touch()
    first, second = (build(MICROBIT, defines={"N": n}) for n in "12")
    os.utime(second.elf.parent, (1, 1))
    assert build(MICROBIT, defines={"N": "1"}).cached
    third = build(MICROBIT, defines={"N": "3"})
    assert [each.elf.exists() for each in (first, second, third)] == [True, False, True]
    assert all(other.exists() for other in others)


@pytest.mark.usefixtures("cache")
def test_flags_from_the_shell_stay_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CFLAGS", "-DBROKEN -include nonsense.h")
    monkeypatch.setenv("CC", "false")
    assert build(MICROBIT).flash_bytes > 0


def test_no_variable_of_the_shell_changes_what_is_built(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = build(MICROBIT)
    (tmp_path / "string.h").write_text("#error found by the shell\n")
    for name, value in {
        "CMAKE_BUILD_TYPE": "Release",
        "CMAKE_CONFIG_TYPE": "Debug",
        "CPATH": str(tmp_path),
        "C_INCLUDE_PATH": str(tmp_path),
        "COMPILER_PATH": str(tmp_path),
        "DESTDIR": str(tmp_path),
        "SOURCE_DATE_EPOCH": "1",
    }.items():
        monkeypatch.setenv(name, value)
    shutil.rmtree(cache)
    again = build(MICROBIT)
    assert not again.cached
    assert (again.build_id, again.flags) == (first.build_id, first.flags)
    assert first.hex is not None
    assert again.hex is not None
    assert "-O3" not in again.flags
    assert "-DNDEBUG" not in again.flags


def test_a_damaged_cache_is_built_anew(cache: Path) -> None:
    first = build(MICROBIT)
    (first.elf.parent / "artefact.json").write_text("{")
    again = build(MICROBIT)
    assert not again.cached
    again.elf.unlink()
    assert not build(MICROBIT).cached
    assert len(list((cache / "build").glob("microbit-*"))) == 1


@pytest.mark.parametrize("folder", ["ca,che of 'mine' & more", os.fsdecode(b"no UTF-8: \xff")], ids=["words", "bytes"])
@pytest.mark.parametrize("name", ["microbit", "host"])
def test_any_folder_can_be_the_cache(name: str, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIL_CACHE_DIR", str(tmp_path / folder))
    assert build(load_board(name)).map.stat().st_size > 0


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HIL_CACHE_DIR", str(tmp_path / "file"))
    with pytest.raises(BuildError, match="file/build cannot be used") as caught:
        build(MICROBIT)
    assert caught.value.hint == "set HIL_CACHE_DIR to another folder"


def test_concurrent_runs_build_once(cache: Path) -> None:
    script = (
        "from hil.board import load_board; from hil.build import build;"
        "a = build(load_board('microbit')); print(a.cached, a.build_id)"
    )

    def run(_: int) -> str:
        return subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            check=True,
            cwd=REPO,
            env=os.environ | {"HIL_CACHE_DIR": str(cache)},
        ).stdout

    with ThreadPoolExecutor(4) as pool:
        answers = [line.split() for line in pool.map(run, range(4))]
    assert sorted(cached for cached, _ in answers) == ["False", "True", "True", "True"]
    assert len({build_id for _, build_id in answers}) == 1


@pytest.mark.usefixtures("cache")
def test_the_same_sources_give_the_same_image(sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = build(MICROBIT, firmware_root=sources)
    monkeypatch.setenv("HIL_CACHE_DIR", str(tmp_path / "other"))
    second = build(MICROBIT)
    assert first.build_id == second.build_id
    assert first.hex is not None
    assert second.hex is not None
    assert first.hex.read_bytes() == second.hex.read_bytes()


@pytest.mark.parametrize("name", ["host", "microbit", "nucleo-l031"])
def test_presets_repeat_the_board_description(name: str) -> None:
    presets = json.loads((firmware_dir() / "CMakePresets.json").read_text())["configurePresets"]
    preset = next(preset for preset in presets if preset["name"] == name)
    facts = {key: value for key, value in preset["cacheVariables"].items() if key.startswith("HIL_")}
    board = load_board(name)
    uart = board.links.uart
    assert uart is not None
    numbers = {
        "HIL_CLOCK_HZ": board.clock_hz,
        "HIL_FETCH_WAIT_STATES": board.memory.flash.fetch_waits(board.clock_hz),
        "HIL_FLASH_ORIGIN": board.memory.flash.origin,
        "HIL_SLOT_ORIGIN": board.image_slot.origin,
        "HIL_SLOT_BYTES": board.image_slot.bytes,
        "HIL_RAM_ORIGIN": board.memory.ram.origin,
        "HIL_RAM_BYTES": board.memory.ram.bytes,
        "HIL_EEPROM_ORIGIN": board.memory.eeprom.origin if board.memory.eeprom else 0,
        "HIL_EEPROM_BYTES": board.memory.eeprom.bytes if board.memory.eeprom else 0,
        "HIL_UART_BAUD": uart.baud,
    }
    words = {
        "HIL_BOARD": name,
        "HIL_PORT": board.port,
        "HIL_CPU": board.core,
        "HIL_MARKER": board.marker,
        "HIL_KERNEL_MEMORY": board.kernel_memory,
        "HIL_UART_TX": uart.tx,
        "HIL_UART_RX": uart.rx,
    }
    assert {key: int(facts[key], 0) for key in numbers} == numbers
    assert {key: facts[key] for key in words} == words
    assert set(facts) == {*numbers, *words}


@pytest.mark.parametrize("name", ["host", "microbit", "nucleo-l031"])
def test_presets_build(name: str, sources: Path) -> None:
    for arguments in (["--preset", name], ["--build", "--preset", name]):
        done = subprocess.run(["cmake", *arguments], cwd=sources, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    assert (sources / "build" / name / "agent.elf").is_file()
