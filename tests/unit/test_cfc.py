"""CfC networks: what is taken, what is refused, and how near reference and integer model are to ncps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hil.convert import convert
from hil.convert_cfc import encode_sum
from hil.errors import InputError
from hil.golden import run_integer, run_reference
from hil.image import ModelImage, checked, encoded
from hil.image_cfc import CfcImage, Kind
from hil.model import load_model
from hil.model_cfc import SETTINGS, CfcModel, cfc_from_arrays
from hil.ncps import model_from_ncps
from hil.vectors import Vectors, load_vectors
from hil.work import Work
from tests.host_c import REPO
from tests.networks_cfc import random_cfc, random_integers, random_states, random_times

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = REPO / "tests" / "cfc"
CASES = sorted(path.name.removesuffix(".model.npz") for path in FOLDER.glob("*.model.npz"))
# Half of what is asked for; the trained network amplifies errors.
LIMITS = {"motions": 2.0**-10}
FULL_SCALE = 1 << 30


def _load(case: str) -> tuple[CfcModel, Vectors]:
    model = load_model(FOLDER / f"{case}.model.npz")
    assert isinstance(model, CfcModel)
    return model, load_vectors(FOLDER / f"{case}.vectors.npz", model)


def test_every_case_is_here() -> None:
    assert len(CASES) == 10
    assert {_load(case)[0].mode for case in CASES} == {"default", "no_gate", "pure"}
    assert {_load(case)[0].activation for case in CASES} == {"lecun_tanh", "tanh", "relu", "silu"}


@pytest.mark.parametrize("case", CASES)
def test_reference_equals_ncps(case: str) -> None:
    model, v = _load(case)
    states, outputs = run_reference(model, v.inputs, v.elapsed, v.state0)
    np.testing.assert_allclose(states, v.states, rtol=0, atol=1e-12)
    np.testing.assert_allclose(outputs, v.outputs, rtol=0, atol=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_integer_model_is_near_ncps(case: str) -> None:
    work = Work.make(*_load(case))
    error = np.abs(work.converted.state_to_float(work.golden_states) - work.reference_states).max()
    assert error / work.converted.state_bound <= LIMITS.get(case, 2.0**-11)
    outputs = np.abs(work.converted.output_to_float(work.golden_outputs) - work.reference_outputs).max()
    assert outputs <= 2.0**-10


@pytest.mark.parametrize("wild", [0.0, 0.5])
def test_one_step_of_random_networks_is_near(wild: float) -> None:
    """Share of the state's full scale; a gate's argument is a slope times the elapsed time, so that is kept small."""
    rng, worst = np.random.default_rng(4), 0.0
    for _ in range(150):
        model = random_cfc(rng, 6, 3, wild)
        if model.activation in {"relu", "silu"} or model.declared_bound is not None:
            continue  # their formats reach as far as is proved, or states saturate
        c = convert(model)
        inputs, state0 = random_integers(rng, (2, 1, 3)), random_states(rng, model.neurons)
        inputs = np.clip(inputs, -FULL_SCALE, FULL_SCALE - 1)
        elapsed = np.clip(random_times(rng, (2, 1)), round(c.elapsed_min * 2**22), 1 << 22).astype(np.uint32)
        got = c.state_to_float(run_integer(c.image, inputs, elapsed, state0)[0])
        real = np.ldexp(inputs.astype(float), -c.input_frac), elapsed / 2.0**22, c.state_to_float(state0)
        full = np.ldexp(1.0, 30 - c.state_frac)
        wanted = np.clip(run_reference(model, *real)[0], -full, full)
        worst = max(worst, float(np.abs(got - wanted).max() / full))
    assert worst < (2.0**-10 if wild == 0 else 2.0**-9)


def test_an_image_is_read_as_it_was_written() -> None:
    rng = np.random.default_rng(5)
    for wild in (0.0, 2.0, 9.0):
        for _ in range(10):
            image = convert(random_cfc(rng, 5, 3, wild)).image
            assert CfcImage.from_bytes(image).to_bytes() == image
    with pytest.raises(InputError, match="image of a CfC"):
        ModelImage.from_bytes(image)


def test_an_image_of_other_layers_is_refused() -> None:
    image = CfcImage.from_bytes(convert(_load("deep")[0]).image)
    header, body = checked(image.to_bytes())
    for other in (encoded(header, b"\x09" + body[1:]), replace(image, layers=image.layers[:-1]).to_bytes()):
        with pytest.raises(InputError, match="that image is cut off or has layers that this version does not know"):
            CfcImage.from_bytes(other, where="that image")


def test_absent_weights_take_no_room() -> None:
    """A wired network's image grows with its synapses, not with the square of its neurons."""
    arrays = wired(mask=np.zeros((2, 5)))
    bare = len(convert(cfc_from_arrays(arrays, where="here")).image)
    arrays |= {"layer_0.sparsity_mask": np.ones((2, 5))}
    dense = len(convert(cfc_from_arrays(arrays, where="here")).image)
    assert dense - bare == 2 * 2 * (4 + 12)  # ff1 and ff2 of two neurons: a run of five weights each


def test_a_sum_s_scale_is_the_finest_that_cannot_overflow() -> None:
    rng = np.random.default_rng(6)
    for _ in range(300):
        weights = rng.normal(size=rng.integers(1, 40)) * 10 ** rng.uniform(-6, 6)
        found = encode_sum(weights, float(rng.normal()))
        most = abs(found.bias) + int(((np.abs(found.weights) << 15) >> found.shift).sum()) + len(weights)
        assert FULL_SCALE / 5 < most < FULL_SCALE
        assert np.abs(found.weights).max() <= 32767


def test_units_of_backbones_have_one_scale_that_a_bound_makes_finer() -> None:
    model, _ = _load("deep")
    layers = CfcImage.from_bytes(convert(model).image).layers
    assert [layer.kind for layer in layers] == [Kind.SILU, Kind.SILU, Kind.GATED, Kind.LINEAR]
    assert layers[1].left > 0  # it saturates at the bound


def test_memory() -> None:
    header, _ = checked(convert(_load("deep")[0]).image)
    assert header.memory_bytes == 4 * 8 + 2 * (3 + 8 + 12 + 12) + 2  # in whole words


def test_the_bound_of_pure_states() -> None:
    model, _ = _load("pure")
    bound = convert(model).state_bound
    rng, largest = np.random.default_rng(7), 0.0
    for _ in range(30):
        inputs = rng.choice([-4.0, 4.0], (1, 60, 3))
        states, _ = run_reference(model, inputs, np.full((1, 60), model.elapsed_min), np.zeros(8))
        largest = max(largest, float(np.abs(states).max()))
    assert bound / 4 < largest <= bound


def test_inputs_and_times_beyond_what_the_model_says_are_refused() -> None:
    model, v = _load("pure")
    c = convert(model)
    inputs, elapsed = v.inputs.copy(), v.elapsed.copy()
    inputs[0, 7, 1], elapsed[0, 2] = 4.5, 0.01
    with pytest.raises(InputError, match=r"input 1 in step 0, 7 is 4.5, beyond the model's input bound of 4"):
        c.quantise_inputs(inputs)
    with pytest.raises(InputError, match=r"elapsed\[0, 2\] is 0.01, outside 0.1 to 1000"):
        c.quantise_elapsed(elapsed)


def plain(**change: object) -> dict[str, object]:
    """Three neurons, two inputs, a backbone of four units."""
    arrays: dict[str, object] = {"mode": "default", "backbone_activation": "lecun_tanh"}
    arrays |= {"backbone.0.weight": np.ones((4, 5)), "backbone.0.bias": np.ones(4)}
    for key in ("ff1", "ff2", "time_a", "time_b"):
        arrays |= {f"{key}.weight": np.ones((3, 4)), f"{key}.bias": np.ones(3)}
    return arrays | change


def wired(mask: object, **change: object) -> dict[str, object]:
    """Three inputs, two neurons, then one."""
    arrays: dict[str, object] = {"mode": "default"}
    for prefix, units, reads in (("layer_0.", 2, 5), ("layer_1.", 1, 3)):
        for key in ("ff1", "ff2", "time_a", "time_b"):
            arrays |= {f"{prefix}{key}.weight": np.ones((units, reads)), f"{prefix}{key}.bias": np.ones(units)}
    return arrays | {"layer_0.sparsity_mask": mask} | change


def without(*keys: str) -> dict[str, object]:
    return {key: value for key, value in plain().items() if key not in keys}


def test_shapes_of_a_model() -> None:
    model = cfc_from_arrays(plain(), where="here")
    assert (model.inputs, model.neurons, model.outputs) == (2, 3, 3)
    model = cfc_from_arrays(wired(np.ones((2, 5))), where="here")
    assert (model.inputs, model.neurons, model.outputs) == (3, 3, 1)
    model = cfc_from_arrays(plain(**{"fc.weight": np.ones((5, 3)), "fc.bias": np.ones(5)}), where="here")
    assert model.outputs == 5


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        (without("mode"), "array 'mode' is missing\n  hint: say it .* one of default, pure, no_gate"),
        (plain(mode="nogate"), r"'mode' is 'nogate'\n  hint: did you mean 'no_gate'\?"),
        (plain(mode="pure"), "'mode' is 'pure', but array 'w_tau' is missing"),
        (plain(w_tau=np.ones((1, 3))), "'mode' is 'default', but array 'w_tau' is there"),
        (without("backbone_activation"), "array 'backbone_activation' is missing"),
        (plain(backbone_activation="gelu"), r"'backbone_activation' is 'gelu'\n  hint: .*activations that the runtime"),
        (without("time_a.bias"), "array 'time_a.bias' is missing"),
        (plain(**{"ff2.weight": np.ones((3, 5))}), r"array 'ff2.weight' has shape \(3, 5\), wanted \(3, 4\)"),
        (plain(**{"ff1.weight": np.ones(3)}), r"array 'ff1.weight' has shape \(3,\), wanted two dimensions"),
        (plain(**{"ff1.weight": np.full((3, 4), np.nan)}), r"'ff1.weight\[0, 0\]' is nan, wanted a finite number"),
        (plain(**{"ff1.weight": np.full((3, 4), 1e16)}), r"'ff1.weight\[0, 0\]' is 1e\+16, beyond"),
        (plain(**{"backbone.0.weight": np.ones((4, 3))}), "'ff1' is for 3 neurons, which leaves 0 values that come in"),
        (
            plain(**{"backbone.2.weight": np.ones((4, 6)), "backbone.2.bias": np.ones(4)}),
            "'backbone.2' reads 6 values, but there are 4",
        ),
        (wired(np.ones((2, 4))), r"'layer_0.sparsity_mask' has shape \(2, 4\), wanted \(2, 5\)"),
        (wired(np.ones((2, 5)), **{"layer_1.ff1.weight": np.ones((1, 5))}), "'layer_1.ff1' is for 1 neurons, which"),
        (plain(**{"lstm.input_map.weight": np.ones(1)}), "mixed memory"),
        (plain(input_bund=1.0), "unknown array 'input_bund'\n  hint: did you mean 'input_bound'"),
        (plain(input_bound=np.ones(3)), r"'input_bound' is \[1.0, 1.0, 1.0\], wanted one number above 0, or one for"),
        (plain(input_bound=0.0), r"'input_bound' is \[0.0, 0.0\]"),
        (plain(elapsed_min=0.0), "'elapsed_min' is 0, wanted a number above 0, from 0.001 to 1000"),
        (plain(state_bound=-1.0), "'state_bound' is -1"),
        (plain(**{"fc.weight": np.ones((5, 2)), "fc.bias": np.ones(5)}), r"'fc.weight' has shape \(5, 2\)"),
        (plain(**{"fc.weight": np.ones((256, 3)), "fc.bias": np.ones(256)}), "256 outputs are more than the runtime"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_a_cfc_is_refused(arrays: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError, match=f"^here: (?s:.*){sentence}"):
        cfc_from_arrays(arrays, where="here")


@pytest.mark.parametrize("prefix", ["", "rnn_cell."])
def test_a_state_dict(prefix: str) -> None:
    settings = {key: value for key, value in plain().items() if isinstance(value, str)}
    arrays = {prefix + key: value for key, value in plain().items() if key not in settings}
    model = model_from_ncps(arrays, **settings)  # type: ignore[arg-type]
    assert isinstance(model, CfcModel)
    with pytest.raises(InputError, match="array 'mode' is missing"):
        model_from_ncps(arrays)
    with pytest.raises(InputError, match="a CfC has no setting modus"):
        model_from_ncps(arrays, **settings, modus="default")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="a CfC has no setting ode_unfolds or outputs"):
        convert(arrays, **settings, ode_unfolds=3, outputs=3)


def test_what_a_model_file_says_can_be_said_of_a_state_dict() -> None:
    said = {"mode": "default", "backbone_activation": "relu", "input_bound": 2.0, "elapsed_min": 0.5}
    said |= {"state_bound": 0.75, "backbone_bound": 3.0, "about": "a test"}
    assert set(said) == set(SETTINGS)
    arrays = {key: value for key, value in plain().items() if key not in said}
    model = model_from_ncps(arrays, **said)  # type: ignore[arg-type]
    assert isinstance(model, CfcModel)
    assert (model.mode, model.activation, model.elapsed_min) == ("default", "relu", 0.5)
    assert (model.input_bound.tolist(), model.declared_bound, model.backbone_bound) == ([2.0, 2.0], 0.75, 3.0)


def test_a_model_takes_no_settings() -> None:
    with pytest.raises(InputError, match="model 'model' has its settings already, mode would change nothing"):
        convert(cfc_from_arrays(plain(), where="here"), mode="pure")


def _notes(change: Callable[[dict[str, object]], None]) -> str:
    arrays: dict[str, object] = {"A": np.ones((1, 2)), "w_tau": np.ones((1, 2))}
    arrays |= {"ff1.weight": np.full((2, 4), 2.0), "ff1.bias": np.zeros(2)}
    change(arrays)
    return " ".join(convert(cfc_from_arrays(arrays, where="here")).notes)


def test_notes() -> None:
    assert "say 'elapsed_min' or 'state_bound'" in _notes(lambda _: None)
    assert not _notes(lambda arrays: arrays.update(elapsed_min=1.0))
    assert "states saturate at or above 'state_bound', 2" in _notes(lambda arrays: arrays.update(state_bound=2.0))


def test_the_largest_outputs_still_have_a_format() -> None:
    """The most states, as large as parameters make them, times the largest weights."""
    huge: dict[str, object] = {"A": np.full((1, 255), 1e15), "w_tau": np.zeros((1, 255))}
    huge |= {"ff1.weight": np.ones((255, 256)), "ff1.bias": np.zeros(255)}
    huge |= {"fc.weight": np.full((1, 255), 1e15), "fc.bias": np.zeros(1)}
    converted = convert(cfc_from_arrays(huge, where="here"))
    assert CfcImage.from_bytes(converted.image).layers[-1].rows[0].left == converted.output_frac[0] < -80


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("mode", np.array(["default", "pure"]), "array 'mode' holds 2 values, wanted one of default"),
        ("mode", np.array([], "U1"), "array 'mode' holds 0 values"),
        ("state_bound", 1e-300, "'state_bound' is 1e-300, wanted a number above 0, from 1e-24"),
    ],
)
def test_settings_that_are_none_are_told(key: str, value: object, said: str) -> None:
    with np.load(REPO / "tests" / "cfc" / "default.model.npz") as archive:
        arrays: dict[str, object] = dict(archive) | {key: value}
    with pytest.raises(InputError, match=said):
        cfc_from_arrays(arrays, where="a file")


def test_a_deep_backbone_without_a_bound_is_told_what_makes_it_more_exact() -> None:
    with np.load(REPO / "tests" / "cfc" / "deep.model.npz") as archive:
        arrays = {key: archive[key] for key in archive.files if key != "backbone_bound"}
    for activation, noted in (("relu", True), ("silu", True), ("tanh", False)):
        model = cfc_from_arrays(arrays | {"backbone_activation": activation}, where="a file")
        notes = " ".join(convert(model).notes)
        assert ("say in the model what they stay below" in notes) == noted
