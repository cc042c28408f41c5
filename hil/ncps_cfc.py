"""CfC parameters from a live ``ncps.torch`` network or its state dict. Torch is never imported.

Names and conventions as in ncps 1.0.1, ``ncps/torch/cfc_cell.py``, ``wired_cfc_cell.py`` and ``cfc.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hil.errors import InputError
from hil.model_cfc import SETTINGS, CfcModel, cfc_from_arrays, is_cfc

_CELL_PREFIX = "rnn_cell."
_ACTIVATIONS = {"LeCun": "lecun_tanh", "Tanh": "tanh", "ReLU": "relu", "SiLU": "silu", "GELU": "gelu"}


def cfc_from_ncps(source: object, *, name: str = "ncps", **settings: object) -> CfcModel | None:
    """Parameters of an ``ncps.torch.CfC``, ``CfCCell``, ``WiredCfCCell``, or the state dict of one; None of another.

    Args:
        source: the module or state dict.
        name: the network's name in reports.
        settings: what the source does not say, as in :func:`hil.model_cfc.cfc_from_arrays`: ``input_bound``,
            ``elapsed_min``, ``state_bound``, ``backbone_bound``, and of a state dict ``mode`` and
            ``backbone_activation``.

    Raises:
        InputError: for a CfC with mixed memory, whose settings are not known, or with a setting that none has.
    """
    live = not isinstance(source, Mapping)
    arrays: dict[str, Any] = dict(source.state_dict()) if live and hasattr(source, "state_dict") else {}
    if isinstance(source, Mapping):
        arrays = {str(key): value for key, value in source.items()}
    plain = {key.removeprefix(_CELL_PREFIX): to_numpy(value) for key, value in arrays.items()}
    if not is_cfc(plain):
        return None
    unknown = set(settings) - set(SETTINGS)
    if unknown:
        raise InputError(f"a CfC has no setting {' or '.join(sorted(unknown))}")
    said = _said(source) if live else {}
    return cfc_from_arrays(plain | said | settings, where=f"network '{name}'", name=name)


def _said(source: object) -> dict[str, str]:
    """Mode and activation of a live network."""
    cell: Any = getattr(source, "rnn_cell", source)
    cell = getattr(cell, "layer_0", cell)
    said = {"mode": str(cell.mode)}
    if cell.backbone is not None:
        activation = type(cell.backbone[1]).__name__
        said["backbone_activation"] = _ACTIVATIONS.get(activation, activation)
    return said


def to_numpy(value: Any) -> object:
    """An array from a tensor or from anything numpy takes."""
    return np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)
