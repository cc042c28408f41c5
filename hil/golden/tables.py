"""The two tables of the sigmoid, and the C header made from them.

``python -m hil.golden.tables > firmware/ltc/ltc_tables.h`` writes it.
Both are read with linear interpolation by ``firmware/ltc/ltc_math.c`` and by :mod:`hil.golden.integer`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

SIGMOID_UNITS = 9
SIGMOID_STEP_BITS = 11
POWER_STEP_BITS = 9
_PER_LINE = 12


def sigmoid_table() -> npt.NDArray[np.uint16]:
    """(1 / (1 + 2^-m) - 1/2) in Q17 at m = i / 32 from 0 to 9, 289 entries."""
    steps = 1 << (16 - SIGMOID_STEP_BITS)
    m = np.arange(SIGMOID_UNITS * steps + 1) / steps
    table: npt.NDArray[np.float64] = np.rint((1 / (1 + np.exp2(-m)) - 0.5) * 2**17)
    return np.asarray(table, np.uint16)


def power_table() -> npt.NDArray[np.uint16]:
    """(1 - 2^-f) in Q16 at f = i / 128 from 0 to 1, 129 entries."""
    steps = 1 << (16 - POWER_STEP_BITS)
    table: npt.NDArray[np.float64] = np.rint((1 - np.exp2(-np.arange(steps + 1) / steps)) * 2**16)
    return np.asarray(table, np.uint16)


def _c_array(name: str, values: npt.NDArray[np.uint16]) -> str:
    rows = [values[i : i + _PER_LINE] for i in range(0, len(values), _PER_LINE)]
    body = "\n".join("    " + ", ".join(str(v) for v in row) + "," for row in rows)
    return f"static const uint16_t {name}[{len(values)}] = {{\n{body}\n}};\n"


def c_header() -> str:
    """The text of ``firmware/ltc/ltc_tables.h``."""
    return (
        "/* Made by `python -m hil.golden.tables`; a test holds this file to it. Do not edit. */\n"
        "/* clang-format off */\n"
        "#ifndef LTC_TABLES_H\n#define LTC_TABLES_H\n\n#include <stdint.h>\n\n"
        f"#define LTC_SIGMOID_UNITS {SIGMOID_UNITS}u\n"
        f"#define LTC_SIGMOID_STEP_BITS {SIGMOID_STEP_BITS}\n"
        f"#define LTC_POWER_STEP_BITS {POWER_STEP_BITS}\n\n"
        "/* (1 / (1 + 2^-m) - 1/2) in Q17, m = i / 32 */\n"
        + _c_array("ltc_sigmoid_table", sigmoid_table())
        + "\n/* (1 - 2^-f) in Q16, f = i / 128 */\n"
        + _c_array("ltc_power_table", power_table())
        + "\n#endif\n"
    )


if __name__ == "__main__":
    print(c_header(), end="")  # noqa: T201 - this module's only command is to print the header
