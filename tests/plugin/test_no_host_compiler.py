"""Without a C compiler of the machine: the one from PyPI builds the twin, or a sentence says what is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hil.cycles.compiler import HINT
from hil.emulator.twin.machine import TwinMachine
from hil.errors import RigError
from hil.resources import cache_dir, examples_dir
from tests.contract.emulated import NUCLEO

NETWORKS = examples_dir() / "networks"
CASE = NETWORKS / "tiny_dense.model.npz", NETWORKS / "tiny_dense.vectors.npz"
SAID = "the twin and the counting of cycles need the host's C compiler, and gcc is not installed"


@pytest.fixture
def no_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing on PATH but the cross compiler; the firmware may be cached, the twin's engine is not."""
    cross = shutil.which("arm-none-eabi-gcc")
    assert cross is not None
    tools, cache = tmp_path / "bin", tmp_path / "cache"
    tools.mkdir()
    cache.mkdir()
    for tool in Path(cross).parent.glob("arm-none-eabi-*"):
        (tools / tool.name).symlink_to(tool)
    (cache / "build").symlink_to(cache_dir() / "build")
    monkeypatch.setenv("PATH", str(tools))
    monkeypatch.setenv("HIL_CACHE_DIR", str(cache))
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path / "state"))


def hil(*arguments: object, before: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", f"{before}from hil.cli import main; main()", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.mark.usefixtures("no_compiler")
def test_the_compiler_from_pypi_builds_the_twin() -> None:
    done = hil("run", *CASE, "--board=nucleo-l031")
    assert done.returncode == 0, done.stderr
    assert "holds: 32000 bits equal to the exact integer model" in done.stdout
    assert "model: twin, Cortex-M0+ timing" in done.stdout
    built = [path.name for path in Path(os.environ["HIL_CACHE_DIR"], "cycles").glob("twin-*.so")]
    assert len(built) == 1
    assert "C compiler (host)    ok " in (text := hil("doctor").stdout)
    assert "-m ziglang cc" in text


@pytest.mark.usefixtures("no_compiler")
def test_without_any_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ziglang", None)
    machine = TwinMachine(NUCLEO.spec, lambda _: None)
    try:
        with pytest.raises(RigError, match=SAID) as caught:
            machine.power_on()
    finally:
        machine.close()
    assert caught.value.hint == HINT
    done = hil("doctor", before="import sys; sys.modules['ziglang'] = None; ")
    assert done.returncode == RigError.exit_code
    assert f"missing  {SAID}; {HINT}" in done.stdout
    assert "missing: C compiler (host)" in done.stdout
