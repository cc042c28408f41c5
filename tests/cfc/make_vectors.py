"""Makes the CfC networks and vectors of this folder with ncps in float64: ``python make_vectors.py RECORDINGS``.

RECORDINGS is basicmotions_test.vectors.npz (examples/networks). Needs torch and ncps; hil is not imported.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from ncps.torch import CfC
from ncps.wirings import NCP, AutoNCP

HERE = Path(__file__).parent
STEPS = 100
SEED = 20


def untrained(spread: float, **settings) -> CfC:
    """A network whose weights are ncps' own, times a spread, and whose biases and w_tau are not zero."""
    network = CfC(batch_first=True, **settings).double()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if parameter.requires_grad:
                parameter.mul_(spread)
            if name.endswith("bias"):
                parameter.add_(0.2 * torch.randn_like(parameter))
            if name.endswith("w_tau"):
                parameter.add_(torch.randn_like(parameter))
    return network


def states_of(network: CfC, inputs: np.ndarray, elapsed: np.ndarray, state0: np.ndarray) -> tuple:
    """States and outputs of one sequence (T, I), a step at a time as only the last state is given."""
    state, states, outputs = torch.as_tensor(state0[None]), [], []
    with torch.no_grad():
        for row, time in zip(inputs, elapsed, strict=True):
            output, state = network(torch.as_tensor(row[None, None]), state, torch.as_tensor([[time]]))
            states.append(state[0].numpy().copy())
            outputs.append(output[0, 0].numpy().copy())
    return np.array(states), np.array(outputs)


def save_model(name: str, network: CfC, about: str, **extra) -> None:
    arrays = {key.removeprefix("rnn_cell."): value.numpy() for key, value in network.state_dict().items()}
    arrays["input_bound"] = 4.0
    cell = getattr(network.rnn_cell, "layer_0", network.rnn_cell)
    np.savez_compressed(HERE / f"{name}.model.npz", **arrays, mode=cell.mode, about=about, **extra)


def make(name: str, network: CfC, about: str, *, irregular: float = 0.0, start: float = 0.0, **extra) -> None:
    """Save a network with vectors of slow waves and noise; elapsed times spread by so many decades."""
    rng = np.random.default_rng(SEED)
    count = network.input_size
    waves = np.sin(np.arange(STEPS)[:, None] / rng.uniform(2, 20, count) + rng.uniform(0, 6, count))
    inputs = waves * rng.uniform(0.5, 2, count) + 0.3 * rng.normal(size=(STEPS, count))
    elapsed = 10 ** rng.uniform(-irregular, irregular, STEPS)
    state0 = rng.uniform(-start, start, network.state_size)
    states, outputs = states_of(network, inputs, elapsed, state0)
    save_model(name, network, about, **extra)
    arrays = {"inputs": inputs, "elapsed": elapsed, "state0": state0, "states": states, "outputs": outputs}
    np.savez_compressed(HERE / f"{name}.vectors.npz", **arrays)


def trained(recordings: Path) -> None:
    """A wired network that tells four activities apart, on every other sample of their recordings."""
    with np.load(recordings) as archive:
        inputs, labels, names = archive["inputs"], archive["labels"], archive["label_names"]
    scaled = np.float64(np.float32(inputs / 8))
    network = CfC(6, AutoNCP(14, 4, seed=SEED), batch_first=True).double()
    optimiser = torch.optim.AdamW(network.parameters(), lr=0.01, weight_decay=0.3)
    x, y = torch.as_tensor(scaled), torch.as_tensor(labels)
    for _ in range(120):
        optimiser.zero_grad()
        output, _ = network(x)
        loss = torch.nn.functional.cross_entropy(4 * output[:, 10:].mean(dim=1), y)
        loss.backward()
        optimiser.step()
    kept = np.sort(np.random.default_rng(SEED).permutation(len(labels))[:10])
    elapsed, state0 = np.ones((len(kept), scaled.shape[1])), np.zeros(network.state_size)
    runs = [states_of(network, scaled[k], elapsed[0], state0) for k in kept]
    outputs = np.array([run[1] for run in runs])
    right = (outputs[:, 10:].mean(axis=1).argmax(axis=1) == labels[kept]).sum()
    sys.stdout.write(f"motions: loss {loss.item():.4f}, {right} of {len(kept)} as labelled\n")
    save_model("motions", network, "TRAINED wired CfC: accelerometer and gyroscope / 8, 4 activities")
    np.savez_compressed(
        HERE / "motions.vectors.npz",
        inputs=scaled[kept],
        elapsed=elapsed,
        state0=state0,
        states=np.array([run[0] for run in runs]),
        outputs=outputs,
        labels=labels[kept],
        label_names=names,
    )


def main() -> None:
    torch.manual_seed(SEED)
    plain = {"input_size": 3, "units": 8, "backbone_units": 12}
    lecun, pure = {"backbone_activation": "lecun_tanh"}, {"elapsed_min": 0.1}
    make("default", untrained(1.0, **plain), "default, one layer of lecun_tanh", irregular=1, start=1, **lecun)
    make("no_gate", untrained(1.0, **plain, mode="no_gate"), "no_gate, one layer of lecun_tanh", irregular=1, **lecun)
    make("pure", untrained(1.0, **plain, mode="pure"), "pure, one layer of lecun_tanh", irregular=1, **lecun, **pure)
    bare = untrained(1.0, input_size=3, units=8, backbone_layers=0, proj_size=2)
    make("projected", bare, "default, no backbone, two outputs by fc", irregular=1, start=0.5)
    deep = untrained(1.0, **plain, backbone_layers=2, backbone_dropout=0.1, activation="silu").eval()
    make(
        "deep",
        deep,
        "default, two layers of silu with dropout between",
        irregular=1,
        backbone_activation="silu",
        backbone_bound=8.0,
    )
    relu = untrained(1.0, input_size=4, units=6, backbone_units=10, activation="relu")
    make("relu", relu, "default, one layer of relu", backbone_activation="relu")
    tanh = untrained(1.0, input_size=4, units=6, backbone_units=10, activation="tanh", mode="no_gate")
    make("tanh", tanh, "no_gate, one layer of tanh", backbone_activation="tanh", irregular=0.5)
    wiring = {"inter_neurons": 8, "command_neurons": 6, "motor_neurons": 2, "seed": SEED}
    fan = {"sensory_fanout": 4, "inter_fanout": 3, "recurrent_command_synapses": 4, "motor_fanin": 4}
    make("wired", untrained(1.0, input_size=5, units=NCP(**wiring, **fan)), "default, NCP 8 + 6 + 2", irregular=1)
    make(
        "wired_pure",
        untrained(1.0, input_size=5, units=NCP(**wiring, **fan), mode="pure"),
        "pure, NCP 8 + 6 + 2",
        irregular=1,
        **pure,
    )
    trained(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
