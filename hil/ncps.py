"""Parameters from a live ``ncps.torch`` network or its state dict. Torch is never imported: a tensor converts itself.

Names and conventions as in ncps 1.0.1, ``ncps/torch/ltc_cell.py`` and ``ncps/torch/ltc.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hil.errors import InputError
from hil.model import Model, model_from_arrays
from hil.ncps_cfc import cfc_from_ncps, to_numpy

_CELL_PREFIX = "rnn_cell."
_MEMORY_PREFIX = "lstm."


def model_from_ncps(
    source: object,
    *,
    ode_unfolds: int | None = None,
    epsilon: float | None = None,
    implicit_param_constraints: bool | None = None,
    outputs: int | None = None,
    name: str = "ncps",
    **cfc_settings: object,
) -> Model:
    """Parameters of an ``ncps.torch.LTC`` or ``CfC``, a cell of either, or a state dict.

    Args:
        source: the module or state dict.
        ode_unfolds: solver sub-steps; a state dict does not carry it, a module does.
        epsilon: added to the denominator; as above, 1e-8 where not given.
        implicit_param_constraints: whether softplus is applied to conductances; as above. ncps' own default is true
            for ``LTC`` and false for ``LTCCell``, so for a state dict it must be said.
        outputs: number of output neurons O; needed only for a state dict without an output map.
        name: the network's name in reports.
        cfc_settings: those of :func:`hil.ncps_cfc.cfc_from_ncps`.

    Raises:
        InputError: for anything that is neither, has mixed memory, whose settings are not known, or with a setting
            of the other kind.
    """
    settings: dict[str, object] = {
        "ode_unfolds": ode_unfolds,
        "epsilon": epsilon,
        "implicit_param_constraints": implicit_param_constraints,
    }
    given = {key: value for key, value in (settings | {"outputs": outputs}).items() if value is not None}
    cfc = cfc_from_ncps(source, name=name, **cfc_settings, **given)
    if cfc is not None:
        return cfc
    if cfc_settings:
        raise InputError(f"an LTC has no setting {' or '.join(sorted(cfc_settings))}")
    if isinstance(source, Mapping):
        arrays = dict(source)
        settings["epsilon"] = 1e-8 if epsilon is None else epsilon
    else:
        cell: Any = getattr(source, "rnn_cell", source)
        if not all(hasattr(cell, attribute) for attribute in ("state_dict", "_ode_unfolds", "_epsilon")):
            raise InputError(
                f"a {type(source).__name__} is not an LTC network",
                hint="give an ncps.torch.LTC or CfC, a cell of either, or a state dict",
            )
        arrays = dict(cell.state_dict())
        outputs = int(cell.motor_size) if outputs is None else outputs
        for key, value in settings.items():
            settings[key] = getattr(cell, f"_{key}") if value is None else value
        if getattr(source, "use_mixed", False):
            arrays[_MEMORY_PREFIX] = None
    if any(key.startswith(_MEMORY_PREFIX) for key in arrays):
        raise InputError("this LTC has a mixed memory (an LSTM beside it), which the runtime does not compute")
    missing = [key for key, value in settings.items() if value is None]
    if missing:
        raise InputError(
            f"a state dict does not say {' and '.join(missing)}",
            hint="pass them as keywords, as they were given to LTC() or LTCCell()",
        )
    plain = {key.removeprefix(_CELL_PREFIX): to_numpy(value) for key, value in arrays.items()}
    if outputs is not None:
        plain["motor_size"] = outputs
    return model_from_arrays(plain | settings, where=f"network '{name}'", name=name)
