"""hil.convert on live networks of the real ncps: `make test-ncps`, which installs torch; not part of `make test`.

Fixed seeds; states of the converted network against what ncps computes in float64.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from ncps.torch import LTC, CfC, CfCCell, WiredCfCCell
from ncps.torch.ltc_cell import LTCCell
from ncps.wirings import AutoNCP, FullyConnected

from hil.convert import convert
from hil.errors import InputError
from hil.golden import run_integer, run_reference
from hil.ncps import model_from_ncps

STEPS = 40


def _network(kind: str) -> torch.nn.Module:
    torch.manual_seed(7)
    built = {
        "dense": lambda: LTC(3, 8),
        "wired": lambda: LTC(3, AutoNCP(12, 2), ode_unfolds=4),
        "explicit": lambda: LTC(3, AutoNCP(12, 2), implicit_param_constraints=False),
        "no maps": lambda: LTC(3, 5, input_mapping=None, output_mapping=None),
        "linear": lambda: LTC(3, AutoNCP(9, 3), input_mapping="linear", output_mapping="linear"),
        "cell": lambda: LTCCell(FullyConnected(6, 2), in_features=3),
    }
    return built[kind]().double()


@pytest.mark.parametrize("kind", ["dense", "wired", "explicit", "no maps", "linear", "cell"])
@pytest.mark.parametrize("as_dict", [False, True])
def test_a_live_network(kind: str, *, as_dict: bool) -> None:
    network = _network(kind)
    cell = getattr(network, "rnn_cell", network)
    x = np.random.default_rng(3).normal(size=(STEPS, 3))
    state = torch.zeros(1, cell.state_size, dtype=torch.float64)
    states, outputs = [], []
    with torch.no_grad():
        for row in x:
            output, state = cell(torch.as_tensor(row[None]), state)
            states.append(state[0].numpy())
            outputs.append(output[0].numpy())
    settings = {}
    if as_dict:
        settings = {"ode_unfolds": cell._ode_unfolds, "implicit_param_constraints": cell._implicit_param_constraints}
        settings["outputs"] = cell.motor_size
    source = network.state_dict() if as_dict else network
    model = model_from_ncps(source, **settings)
    elapsed = np.ones((1, STEPS))
    reference = run_reference(model, x[None], elapsed, np.zeros(model.neurons))
    np.testing.assert_allclose(reference[0][0], states, rtol=0, atol=1e-12)
    np.testing.assert_allclose(reference[1][0], outputs, rtol=0, atol=1e-12)
    converted = convert(source, **settings)
    integer, _ = run_integer(
        converted.image,
        converted.quantise_inputs(x[None]),
        converted.quantise_elapsed(elapsed),
        np.zeros(model.neurons, np.int32),
    )
    assert np.abs(converted.state_to_float(integer)[0] - states).max() < 2.0**-12 * converted.state_bound


def _cfc(kind: str) -> torch.nn.Module:
    torch.manual_seed(8)
    built = {
        "default": lambda: CfC(3, 8, backbone_units=16),
        "no gate": lambda: CfC(3, 8, mode="no_gate", activation="tanh", backbone_units=16),
        "pure": lambda: CfC(3, 8, mode="pure", backbone_units=16),
        "no backbone": lambda: CfC(3, 8, backbone_layers=0),
        "projected": lambda: CfC(3, 8, proj_size=2, backbone_units=16),
        "wired": lambda: CfC(3, AutoNCP(12, 2)),
        "wired pure": lambda: CfC(3, AutoNCP(12, 2), mode="pure"),
        "cell": lambda: CfCCell(3, 8, backbone_units=16, backbone_layers=2, backbone_dropout=0.1),
        "wired cell": lambda: WiredCfCCell(3, AutoNCP(12, 2)),
    }
    return built[kind]().double().eval()


@pytest.mark.parametrize(
    "kind", ["default", "no gate", "pure", "no backbone", "projected", "wired", "wired pure", "cell", "wired cell"]
)
@pytest.mark.parametrize("as_dict", [False, True])
def test_a_live_cfc(kind: str, *, as_dict: bool) -> None:
    network = _cfc(kind)
    cell = getattr(network, "rnn_cell", network)
    x = np.random.default_rng(3).normal(size=(STEPS, 3))
    elapsed = np.random.default_rng(4).uniform(0.5, 2, (1, STEPS))
    state = torch.zeros(1, getattr(cell, "state_size", 8), dtype=torch.float64)
    states, outputs = [], []
    with torch.no_grad():
        for row, time in zip(x, elapsed[0], strict=True):
            output, state = cell(torch.as_tensor(row[None]), state, torch.as_tensor([[time]]))
            states.append(state[0].numpy())
            outputs.append(getattr(network, "fc", torch.nn.Identity())(output)[0].numpy())
    settings: dict[str, object] = {"input_bound": 4.0, "elapsed_min": 0.5}
    if as_dict:
        first = getattr(cell, "layer_0", cell)
        activation = "tanh" if kind == "no gate" else "lecun_tanh"
        settings |= {"mode": first.mode, "backbone_activation": activation}
    source = network.state_dict() if as_dict else network
    model = model_from_ncps(source, **settings)
    reference = run_reference(model, x[None], elapsed, np.zeros(model.neurons))
    np.testing.assert_allclose(reference[0][0], states, rtol=0, atol=1e-12)
    np.testing.assert_allclose(reference[1][0], outputs, rtol=0, atol=1e-12)
    c = convert(source, **settings)
    zero = np.zeros(model.neurons, np.int32)
    integer, _ = run_integer(c.image, c.quantise_inputs(x[None]), c.quantise_elapsed(elapsed), zero)
    assert np.abs(c.state_to_float(integer)[0] - states).max() < 2.0**-10 * c.state_bound


@pytest.mark.parametrize("activation", ["gelu"])
def test_a_live_cfc_whose_activation_the_runtime_has_not(activation: str) -> None:
    with pytest.raises(InputError, match=f"'backbone_activation' is '{activation}'"):
        convert(CfC(3, 8, activation=activation))


@pytest.mark.parametrize("kind", [LTC, CfC])
def test_mixed_memory_is_refused(kind: type[torch.nn.Module]) -> None:
    network = kind(3, 8, mixed_memory=True)
    for source in (network, network.state_dict()):
        with pytest.raises(InputError, match="mixed memory"):
            convert(source)


def test_a_state_dict_must_say_its_settings() -> None:
    with pytest.raises(InputError, match="ode_unfolds and implicit_param_constraints"):
        convert(_network("dense").state_dict())


def test_another_module_is_refused() -> None:
    with pytest.raises(InputError, match="a Linear is not an LTC network"):
        convert(torch.nn.Linear(2, 2))
