"""``hil convert``: parameters to a model image, as a binary file or as a C array."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from hil.convert import convert
from hil.errors import InputError
from hil.image import CFC, STAGED, checked
from hil.model import load_model
from hil.model_arrays import LARGEST

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from hil.convert import Converted
    from hil.model import Model
    from hil.solver import Solver

_WORDS_A_LINE = 8


def convert_model(
    model_path: Path,
    output: Path,
    console: Console,
    *,
    c_array: bool,
    state_bound: float | None,
    solver: Solver | None,
) -> None:
    """Write the image of a model, and print its formats.

    Args:
        model_path: ``NAME.model.npz``.
        output: the file to write.
        console: for the formats and notes.
        c_array: write C source, words in the byte order of the Cortex-M, instead of bytes.
        state_bound: largest start state that will be set, where it is beyond the model's potentials.
        solver: instead of the model's own.

    Raises:
        InputError: the model cannot be used, or the file cannot be written.
    """
    if state_bound is not None and not 0 < state_bound <= LARGEST:
        raise InputError(
            f"--state-bound is {state_bound:g}, wanted a potential above 0, at most {LARGEST:g}",
            hint="leave it out where start states lie within the model's own potentials",
        )
    model = load_model(model_path)
    model = model if solver is None else model.solved_by(solver)
    converted = convert(model, state_bound=state_bound)
    content = _c_source(model, converted).encode() if c_array else converted.image
    try:
        output.write_bytes(content)
    except OSError as error:
        raise InputError(f"{output} cannot be written", cause=error.strerror) from error
    console.print(
        f"{model.name}: {model.inputs} inputs, {model.neurons} neurons, {model.outputs} outputs, "
        f"image of {len(converted.image)} bytes in {output}"
    )
    header, _ = checked(converted.image)
    macro = "LTC_CFC_MEMORY" if header.solver == CFC else "LTC_MEMORY"
    macro = "LTC_STAGED_MEMORY" if header.solver in STAGED else macro
    console.print(f"  memory: {macro}(memory, {header.neurons}, {header.channels}), {header.memory_bytes} bytes")
    console.print(f"  solver: {model.solution}")
    for name, formats in converted.q_formats.items():
        console.print(f"  {name}: {formats}")
    for note in converted.notes:
        console.print(f"  note: {note}")


def _c_source(model: Model, converted: Converted) -> str:
    name = re.sub(r"\W", "_", model.name)
    words = np.frombuffer(converted.image, "<u4")
    lines = [
        "    " + " ".join(f"0x{word:08x}u," for word in words[start : start + _WORDS_A_LINE])
        for start in range(0, len(words), _WORDS_A_LINE)
    ]
    return "\n".join(
        [
            f"/* Model image of {model.name} for ltc_open(), made by 'hil convert'; little-endian. */",
            "#include <stdint.h>",
            "",
            f"extern const uint32_t {name}_image[{len(words)}];",
            f"const uint32_t {name}_image[{len(words)}] = {{",
            *lines,
            "};",
            "",
        ]
    )
