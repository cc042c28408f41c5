"""The plugin is built once, without warnings, and what is missing is said."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hil.cycles import counter_file, library
from hil.cycles.compiler import HINT, host_compiler
from hil.cycles.counter import CycleCounter
from hil.cycles.library import compile_shared, plugin_path, tracker_path
from hil.cycles.timing import TimingModel
from hil.errors import RigError
from tests.cycles.programs import HERE, build_program

WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wmissing-prototypes", "-Wvla", "-Werror")


def test_sources_compile_without_warnings(tmp_path: Path) -> None:
    sources = sorted(Path(library.__file__).parent.glob("*.c"))
    assert len(sources) == 4
    compile_shared(tmp_path / "all.so", sources, flags=WARNINGS)


def test_layout_in_c_is_the_one_in_python(tmp_path: Path) -> None:
    sizes = {
        "struct counter_header": counter_file._HEADER_BYTES,
        "struct counter_range": counter_file._RANGE.size,
        "struct counter_function": counter_file._FUNCTION.size,
        "struct counter_handler": counter_file._HANDLER.size,
        "struct counter_memory": counter_file._MEMORY.size,
        "struct counter_node": counter_file._NODE.size,
        "struct counter_call": counter_file._CALL.size,
    }
    places = {
        "struct counter_header, state": counter_file._CONFIG.size,
        "struct counter_header, cycles": counter_file._CONFIG.size + counter_file._STATE.size,
        "struct counter_function, calls": 8,
        "struct counter_node, calls": 8,
        "struct counter_call, cycles": 8,
    }
    asserts = [f'_Static_assert(sizeof({name}) == {size}, "{name}");' for name, size in sizes.items()]
    asserts += [f'_Static_assert(offsetof({name}) == {at}, "{name}");' for name, at in places.items()]
    source = tmp_path / "layout.c"
    source.write_text('#include <stddef.h>\n#include "counter_file.h"\n' + "\n".join(asserts))
    compile_shared(tmp_path / "layout.so", [source])


def test_built_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIL_CACHE_DIR", str(tmp_path))
    first = plugin_path()
    monkeypatch.setenv("PATH", "")  # now no compiler can be found
    assert plugin_path() == first
    there = sorted(path.name for path in (tmp_path / "cycles").iterdir())
    assert there == sorted(["tcg_plugin.lock", first.name, f"{first.stem}.sha256"])


@pytest.mark.parametrize("damage", ["empty", "half", "another", "gone", "no checksum"])
def test_a_damaged_library_is_built_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    monkeypatch.setenv("HIL_CACHE_DIR", str(tmp_path))
    place = plugin_path()
    sound = place.read_bytes()
    if damage == "gone":
        place.unlink()
    elif damage == "no checksum":
        place.with_suffix(".sha256").unlink()
    else:
        content = {"empty": b"", "half": sound[: len(sound) // 2], "another": tracker_path().read_bytes()}[damage]
        place.write_bytes(content)
    assert plugin_path() == place
    assert place.read_bytes() == sound
    monkeypatch.setenv("PATH", "")
    assert plugin_path() == place


def test_no_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIL_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "ziglang", None)
    with pytest.raises(RigError, match="gcc is not installed") as caught:
        plugin_path()
    assert caught.value.hint == HINT
    assert not [path for path in (tmp_path / "cycles").iterdir() if path.suffix != ".lock"]


def test_the_compiler_of_pypi_serves_where_none_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert host_compiler() == [sys.executable, "-m", "ziglang", "cc"]


def test_compiler_that_fails(tmp_path: Path) -> None:
    (tmp_path / "bad.c").write_text("int bad(void) { return nothing; }\n")
    with pytest.raises(RigError, match=r"bad cannot be compiled(.|\n)*bad\.c:1:.*nothing"):
        compile_shared(tmp_path / "bad.so", [tmp_path / "bad.c"])


def test_cache_that_cannot_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HIL_CACHE_DIR", str(tmp_path / "file"))
    with pytest.raises(RigError, match=r"build cache .* cannot be used"):
        plugin_path()


def test_counter_that_no_qemu_took(tmp_path: Path) -> None:
    elf = build_program(tmp_path / "storm.elf", HERE / "interrupts.c")
    with CycleCounter(elf, TimingModel("cortex-m0"), measure=["work"]) as counter:
        with pytest.raises(RigError, match="does not count"):
            counter.snapshot()
        with pytest.raises(RigError, match="does not count"):
            counter.counts()
