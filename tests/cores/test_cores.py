"""The same runtime on other cores, compiled by their own compilers and run by QEMU: the same bits."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from hil.golden import run_integer
from hil.solver import SolverName
from tests.host_c import REPO
from tests.networks import Case, end_of_scale, random_case
from tests.networks_cfc import random_cfc_case

HERE = Path(__file__).parent
LTC = REPO / "firmware" / "ltc"
BUFFER_BYTES = 4 * 65536  # of driver.c
FLAGS = ("-std=c11", "-O2", "-ffreestanding", "-nostdlib", "-Wall", "-Wextra", "-Werror", f"-I{LTC}")


@dataclass(frozen=True)
class Core:
    """A core: its compiler with options, what starts it, and QEMU's machine."""

    name: str
    compiler: tuple[str, ...]
    start: str
    ram: int
    machine: tuple[str, ...]


ARM = ("arm-none-eabi-gcc", "-mthumb")
CORES = (
    Core("cortex-m3", (*ARM, "-mcpu=cortex-m3"), "start_cortex_m.c", 0, ("qemu-system-arm", "-M", "mps2-an385")),
    Core("cortex-m4", (*ARM, "-mcpu=cortex-m4"), "start_cortex_m.c", 0, ("qemu-system-arm", "-M", "mps2-an386")),
    Core(
        "riscv32",
        ("riscv64-unknown-elf-gcc", "-march=rv32imc", "-mabi=ilp32"),
        "start_riscv.S",
        0x80000000,
        ("qemu-system-riscv32", "-M", "virt", "-bios", "none"),
    ),
)


def run_on(core: Core, folder: Path, cases: list[Case]) -> list[np.ndarray]:
    """States and outputs (S, T, N + O) of each case."""
    program = folder / "driver.elf"
    sources = [HERE / core.start, HERE / "driver.c", *sorted(LTC.glob("*.c"))]
    place = f"-Wl,--defsym=ORIGIN_OF_RAM={core.ram:#x},-T,{HERE / 'ram.ld'},--no-warn-rwx-segments"
    link = (place, "-lgcc", "-o", str(program))
    command = [*core.compiler, *FLAGS, *map(str, sources), *link]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    encoded = b"".join(map(_encoded, cases))
    assert len(encoded) < BUFFER_BYTES
    (folder / "cases.bin").write_bytes(encoded)
    semihosting = ("-semihosting-config", "enable=on,target=native")
    subprocess.run(
        [*core.machine, "-nographic", "-monitor", "none", "-serial", "none", *semihosting, "-kernel", str(program)],
        cwd=folder,
        check=False,  # what is missing of the results says more
        timeout=60,
    )
    words = np.frombuffer((folder / "results.bin").read_bytes(), "<i4")
    results = []
    for case in cases:
        shape = (*case.elapsed.shape, len(case.state0) + case.model.outputs)
        assert words[0] == 0, "ltc_open() refused an image"
        results.append(words[1 : 1 + np.prod(shape)].reshape(shape))
        words = words[1 + np.prod(shape) :]
    assert not words.size
    return results


def _encoded(case: Case) -> bytes:
    size = np.array([len(case.converted.image), *case.inputs.shape, len(case.state0), case.model.outputs], "<u4")
    steps = np.concatenate([case.elapsed[:, :, None].view(np.int32), case.inputs], axis=2)
    return size.tobytes() + case.converted.image + case.state0.astype("<i4").tobytes() + steps.astype("<i4").tobytes()


@pytest.mark.parametrize("core", CORES, ids=lambda core: core.name)
def test_every_bit_is_the_integer_model_s(tmp_path: Path, core: Core) -> None:
    cases = [
        random_case(np.random.default_rng(seed), 1 + 3 * seed, 1 + seed % 4, (0.3, 1.0)[seed % 2], wild, steps=3)
        for seed, wild in enumerate((0.0, 0.5, 2.0, 4.0, 9.0, 0.0, 0.5, 2.0))
    ]
    cases += [
        random_case(np.random.default_rng(seed), 5, 3, 0.7, 0.5, steps=3, solver=solver)
        for seed, solver in enumerate(get_args(SolverName))
    ]
    cases += [random_cfc_case(np.random.default_rng(seed), 6, 3, seed % 2, steps=3) for seed in range(8)]
    cases.append(end_of_scale())
    for case, got in zip(cases, run_on(core, tmp_path, cases), strict=True):
        wanted = run_integer(case.converted.image, case.inputs, case.elapsed, case.state0)
        np.testing.assert_array_equal(got, np.concatenate(wanted, axis=2))
