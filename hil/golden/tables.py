"""The tables of the runtime, and the C file made from them.

``python -m hil.golden.tables > firmware/ltc/ltc_tables.c`` writes it. Read by ``firmware/ltc/ltc_kernel.c``, its
assembly, ``ltc_wide.c``, ``ltc_exponential.c``, and by :mod:`hil.golden.integer`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hil.encode import INTERVALS_A_UNIT

INTERVALS = 256
ONE = 65534  # an open sigmoid in the table; the kernel drops its last bit
RECIPROCAL_FIRST, RECIPROCALS = 64, 191
BERNOULLIS = 66
_PER_LINE = 12


def sigmoid_table() -> npt.NDArray[np.uint32]:
    """1 / (1 + 2^-x) over 256 intervals of x from -16 to 16: value << 16 | rise, the best line through each.

    What is read is (entry + rise * f) >> 17 in units of 1/32767, f the position in the interval in Q16; the value
    holds the 1 that makes it round.
    """
    part = np.arange(0, 1 << 16, 16)
    left = np.arange(INTERVALS)[:, None] - INTERVALS // 2
    true = ONE / (1 + np.exp2(-(left + part / 65536) / INTERVALS_A_UNIT))
    rise = np.rint((true[:, -1] - true[:, 0]) * 65536 / part[-1])
    rest = true + 1 - rise[:, None] * part / 65536
    value = np.rint((rest.max(axis=1) + rest.min(axis=1)) / 2)
    table: npt.NDArray[np.float64] = value * 65536 + rise
    return np.asarray(table, np.uint32)


def reciprocal_table() -> npt.NDArray[np.uint8]:
    """2^22 / x in the middle of 256 values of x, from 64 * 256 on."""
    middle = (RECIPROCAL_FIRST + np.arange(RECIPROCALS) + 0.5) * 256
    return np.asarray(np.minimum(np.rint(2**22 / middle), 255), np.uint8)


def bernoulli_table() -> npt.NDArray[np.uint16]:
    """X / (e^x - 1) in Q16 at q = 1 / (1 + x), from 0 to 1 in steps of 2^-6, and the last once more."""
    with np.errstate(over="ignore"):
        x = 1 / (np.arange(1, BERNOULLIS - 2) / (BERNOULLIS - 2)) - 1
        inner = np.rint(65536 * x / np.expm1(x))
    return np.asarray([0, *inner, 65535, 65535], np.uint16)


def _c_array(values: npt.NDArray[np.unsignedinteger], per_line: int) -> str:
    rows = [values[i : i + per_line] for i in range(0, len(values), per_line)]
    return "\n".join("        " + ", ".join(str(v) for v in row) + "," for row in rows)


def c_file() -> str:
    """The text of ``firmware/ltc/ltc_tables.c``."""
    return (
        "/* Made by `python -m hil.golden.tables`; a test holds this file to it. Do not edit. */\n"
        "/* clang-format off */\n"
        '#include "ltc_tables.h"\n\n'
        "const struct ltc_tables ltc_tables = {\n"
        f"    .reciprocal = {{\n{_c_array(reciprocal_table(), 2 * _PER_LINE)}\n    }},\n"
        f"    .sigmoid = {{\n{_c_array(sigmoid_table(), _PER_LINE // 2 + 2)}\n    }},\n"
        "};\n\n"
        "#ifndef LTC_FUSED_ONLY\n"
        f"const uint16_t ltc_bernoulli[] = {{\n{_c_array(bernoulli_table(), _PER_LINE)}\n}};\n"
        "#endif\n"
    )


if __name__ == "__main__":
    print(c_file(), end="")  # noqa: T201 - this module's only command is to print the file
