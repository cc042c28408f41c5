"""Flash and RAM that the firmware takes of each board, and where it runs: ``python -m tests.boards.bench_family``."""

from __future__ import annotations

from hil.report.terminal import table
from tests.boards.firmwares import chips, firmwares

HEADINGS = ("board", "part", "core", "MHz", "flash", "of", "RAM", "of", "emulated by", "run on silicon")
NUMBERS = frozenset({"MHz", "flash", "of", "RAM"})


def rows() -> list[tuple[str, ...]]:
    """One a board: what the firmware takes of the flash before the image slot, and of RAM before networks."""
    found = []
    for board in chips():
        artefact = firmwares()[board.name]
        found.append(
            (
                board.name,
                board.part,
                {"cortex-m0": "M0", "cortex-m0plus": "M0+"}[board.core],
                f"{board.clock_hz / 1e6:g}",
                str(artefact.flash_bytes),
                str(artefact.flash_limit),
                str(artefact.ram_bytes),
                str(artefact.ram_limit),
                ", ".join(each.backend for each in board.emulators) or "nothing",
                "yes" if board.run_on_silicon else "no",
            )
        )
    return found


def main() -> None:
    """Build all, and print."""
    found = rows()
    print("\n".join(table(HEADINGS, found, NUMBERS)))  # noqa: T201
    emulated = sum(row[-2] != "nothing" for row in found)
    silicon = sum(row[-1] == "yes" for row in found)
    print(f"{len(found)} boards built, {emulated} of them emulated, {silicon} run on silicon")  # noqa: T201


if __name__ == "__main__":
    main()
