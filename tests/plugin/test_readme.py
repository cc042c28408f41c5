"""What the README and the runtime's header tell a newcomer to do is done here, to the letter."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.host_c import REPO
from tests.plugin.test_cli import MODEL, VECTORS, hil

if TYPE_CHECKING:
    from pathlib import Path

pytest_plugins = ["pytester"]

README = (REPO / "README.md").read_text()
BLOCKS = [
    "\n".join(line[4:] for line in block.splitlines())
    for block in re.findall(r"(?:^    .*\n(?:\n(?=    ))?)+", README, re.MULTILINE)
]
COMPILERS = {
    "c": ("gcc", "-std=c11", "-pedantic"),
    "c++": ("g++", "-std=c++17", "-xc++"),
    "cortex-m0": ("arm-none-eabi-gcc", "-std=c11", "-mcpu=cortex-m0", "-mthumb", "-ffreestanding"),
}


def test_a_board_of_one_s_own_is_named_where_the_readme_says(tmp_path: Path) -> None:
    told = re.search(r"copy a file of \[boards\]\(boards\) to `(\S+)`, write `(name: \S+)` in it", README)
    assert told is not None
    text = (REPO / "boards" / "microbit.yaml").read_text()
    (tmp_path / told[1]).write_text(text.replace("name: microbit", told[2], 1))
    assert "firmware" in hil("build", tmp_path / told[1])


@pytest.fixture
def bridge(project: pytest.Pytester) -> Path:
    """A user's folder with the network that the README speaks of."""
    shutil.copy(MODEL, project.path / "bridge.npz")
    shutil.copy(VECTORS, project.path / "bridge_vectors.npz")
    return project.path


def _block(start: str) -> str:
    found = [block for block in BLOCKS if block.startswith(start)]
    assert len(found) == 1, f"the README has {len(found)} blocks that start with {start!r}"
    return found[0]


def test_the_run_command(bridge: Path) -> None:
    command = next(line for line in README.splitlines() if line.strip().startswith("hil run "))
    names = {"bridge.npz", "bridge_vectors.npz"}
    words = [str(bridge / word) if word in names else word for word in shlex.split(command)[1:]]
    assert "holds: 32000 bits equal" in hil(*words)


def test_the_case_file(project: pytest.Pytester, bridge: Path) -> None:
    (bridge / "bridge.hil.yaml").write_text(_block("model: bridge.npz"))
    result = project.runpytest("bridge.hil.yaml", "--board=host")
    result.stdout.fnmatch_lines(["*bridge*32000 equal*"])
    assert result.parseoutcomes().get("passed") == 3
    assert "failed" not in result.parseoutcomes()


def test_the_python_test(project: pytest.Pytester, bridge: Path) -> None:
    (bridge / "test_bridge.py").write_text("from pathlib import Path\n\n" + _block("def test_bridge(dut)"))
    project.runpytest("test_bridge.py", "--board=host").assert_outcomes(passed=1)


@pytest.mark.parametrize("compiler", COMPILERS)
def test_the_runtime_compiles_from_its_copied_folder_as_its_header_says(tmp_path: Path, compiler: str) -> None:
    folder = tmp_path / "ltc"
    shutil.copytree(REPO / "firmware" / "ltc", folder)
    image = hil("convert", MODEL, "-o", tmp_path / "image.c", "--c-array")
    printed = re.search(r"LTC_MEMORY\(memory, 4, \d+\)", image)
    assert printed, image
    header = (folder / "ltc.h").read_text()
    assert "static LTC_MEMORY(memory, 14, 6);" in header, "the example has changed: change this test with it"
    (tmp_path / "main.c").write_text(
        '#include "ltc/ltc.h"\n#include "image.c"\n'
        f"static {printed.group()};\n"
        "int main(void) {\n    struct ltc net;\n    int32_t inputs[2] = {0, 0}, outputs[1];\n"
        "    const uint32_t bytes = sizeof tiny_dense_image;\n"
        "    if (ltc_open(&net, tiny_dense_image, bytes, memory, sizeof memory) != LTC_OK) return 1;\n"
        "    return ltc_step(&net, inputs, 1u << LTC_ELAPSED_FRAC, outputs) != LTC_OK;\n}\n"
    )
    warnings = ("-Wall", "-Wextra", "-Wconversion", "-Werror", f"-I{tmp_path}")
    sources = [tmp_path / "main.c"] if compiler == "c++" else [tmp_path / "main.c", *folder.glob("*.[cS]")]
    for source in sources:
        done = subprocess.run(
            [*COMPILERS[compiler], *warnings, "-c", str(source), "-o", str(tmp_path / f"{source.stem}.o")],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    if compiler == "c":
        objects = [str(path) for path in tmp_path.glob("*.o")]
        linked = subprocess.run(
            ["gcc", *objects, "-o", str(tmp_path / "program")], capture_output=True, text=True, check=True
        )
        assert not linked.stderr
        assert subprocess.run([tmp_path / "program"], check=False).returncode == 0
