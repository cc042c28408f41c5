"""Addresses of instruments, and packages that are missing or others."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType

import pytest

from hil.errors import InputError, RigError
from hil.power.opening import open_meter


@pytest.mark.parametrize("text", ["", "ppk2", "/dev/ttyACM0", ":x", "p p:x"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(InputError, match="is no address of a current analyzer") as caught:
        open_meter(text)
    assert "ppk2:/dev/ttyACM0?mode=source&voltage=3.0" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ppk:/dev/none", r"'ppk' is no kind of current analyzer\n  hint: did you mean 'ppk2'"),
        ("ppk2:/dev/none?volt=3", r"option 'volt' is none that ppk2 has\n  hint: did you mean 'voltage'"),
        ("ppk2:/dev/none?voltage=", "option 'voltage' has no value"),
        ("ppk2:/dev/none?voltage", "is not of the form name=value"),
        ("ppk2:/dev/none?voltage=3V", r"option 'voltage' is '3V'\n  hint: write a number from 0.8 to 5"),
        ("ppk2:/dev/none?voltage=3000", "option 'voltage' is '3000'"),
        ("ppk2:/dev/none?voltage=nan", "option 'voltage' is 'nan'"),
        ("ppk2:/dev/none?voltage=3&voltage=4", "an option is given twice"),
        ("ppk2:/dev/none?mode=both", r"option 'mode' is 'both'\n  hint: write one of: source, ampere"),
        ("ppk2:/dev/none", "there is no port /dev/none"),
    ],
)
def test_what_an_address_cannot_be(text: str, said: str) -> None:
    with pytest.raises(RigError, match=said):
        open_meter(text)


_PACKAGES = [
    ("ppk2:/dev/none", "ppk2lab", "ppk2lab"),
    ("joulescope:", "pyjoulescope_driver", "pyjoulescope_driver"),
    ("otii:localhost", "otii_tcp_client.otii_connection", "otii-tcp-client"),
]


@pytest.mark.parametrize(("address", "module", "distribution"), _PACKAGES)
def test_a_missing_package_is_said(
    monkeypatch: pytest.MonkeyPatch, address: str, module: str, distribution: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(RigError, match=f"needs the package {distribution}, which cannot be imported") as caught:
        open_meter(address)
    assert "hil-ltc[power]" in str(caught.value.hint)


@pytest.mark.parametrize(("address", "module", "distribution"), _PACKAGES)
def test_another_package_of_that_name_is_said(
    monkeypatch: pytest.MonkeyPatch, address: str, module: str, distribution: str
) -> None:
    monkeypatch.setitem(sys.modules, module, ModuleType(module))
    with pytest.raises(RigError, match=f"is not the {distribution} that is known: it has no "):
        open_meter(address)


def test_nothing_of_them_is_imported_before_it_is_asked_for() -> None:
    code = "import sys, hil.power.opening; print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    loaded = set(said.stdout.split())
    assert "hil.power.ppk2" in loaded
    assert not loaded & {module for _, module, _ in _PACKAGES}
