"""Whatever hil imports is a dependency that it names, and none that another package happens to bring."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]


def imported() -> set[str]:
    """The packages that hil imports."""
    found = set()
    for path in (REPO / "hil").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                found.add(str(node.module).partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"hil"}


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_import_is_declared() -> None:
    project = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = project["dependencies"] + [line for extra in project["optional-dependencies"].values() for line in extra]
    declared = {plain(re.split(r"[<>=~! ]", line)[0]) for line in lines}
    homes = {"grpc": ["grpcio"], **packages_distributions()}  # labgrid's may be in a Python of its own (docs/farm.md)
    for package in imported() - declared:
        assert {plain(name) for name in homes.get(package, [])} & (declared | {"pydantic-core"}), package
