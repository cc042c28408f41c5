"""Flash regions of our own, for targets that pyOCD's built-in description programs slowly.

pyOCD describes the STM32L031 with pages of 128 bytes, each erased by one call of its flash algorithm and programmed by
another, and with an erased value that is not the chip's: 518 calls for its 32 KB, with those that begin and end, and
each call is a row of transfers through the probe. Here a call takes 1 KB; the host, which has read the flash, marks the
pages in it that differ, and the algorithm finds out itself what of them has to be erased and programmed.
docs/adr/0007-flash-algorithm.md has what that saves and what it cannot.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

# pyOCD has annotations but no py.typed.
from pyocd.core.memory_map import FlashRegion  # type: ignore[import-untyped]
from pyocd.flash.flash import Flash  # type: ignore[import-untyped]

from hil.probe.targets import relative

if TYPE_CHECKING:
    from collections.abc import Collection

_HERE: Final = Path(__file__).parent


@dataclass(frozen=True)
class OwnAlgorithm:
    """A flash algorithm of ours, and where it finds room in the target's RAM.

    Attributes:
        file: its machine code, see `stm32l0_flash.S`.
        load_address: of the code, 768 bytes at most.
        stack: where the stack begins, downwards.
        buffers: two, each of a page and a word with the marks: one is filled while the other is programmed.
        page_bytes: what one call programs.
        erase_bytes: what is erased at a time, and marked.
        erased: what each byte of erased flash reads as.
    """

    file: Path
    load_address: int
    stack: int
    buffers: tuple[int, int]
    page_bytes: int
    erase_bytes: int
    erased: int

    def described(self, *, always: bool) -> dict[str, Any]:
        """The algorithm as pyOCD wants it.

        Args:
            always: erase also what is erased.
        """
        code = json.loads(self.file.read_text(encoding="utf-8"))
        words = [int(word, 16) for row in code["words"] for word in row.split()]
        words[code["always"] // 4] = int(always)
        entry = {name: self.load_address + offset | 1 for name, offset in code["entries"].items()}
        return {
            "load_address": self.load_address,
            "instructions": words,
            "pc_init": entry["init"],
            "pc_unInit": entry["uninit"],
            "pc_erase_sector": entry["erase"],
            "pc_program_page": entry["program"],
            "static_base": self.load_address,
            "begin_stack": self.stack,
            "page_buffers": list(self.buffers),
            "analyzer_supported": False,
        }


STM32L0: Final = OwnAlgorithm(
    file=_HERE / "stm32l0_flash.json",
    load_address=0x20000000,
    stack=0x20000400,
    buffers=(0x20000400, 0x20000810),
    page_bytes=0x400,
    erase_bytes=0x80,
    erased=0x00,
)
_OWN: Final = {"stm32l031x6": STM32L0}


class _MarkedFlash(Flash):  # type: ignore[misc]
    """Puts the marks behind each page that is programmed.

    Args:
        target: pyOCD's.
        own: the algorithm.
        pages: first addresses of the erase pages to write.
        always: erase also what is erased.
    """

    def __init__(self, target: Any, own: OwnAlgorithm, pages: Collection[int], *, always: bool) -> None:
        super().__init__(target, own.described(always=always))
        self._own = own
        self._pages = pages

    def load_page_buffer(self, buffer_number: int, address: int, bytes: Any) -> None:  # noqa: A002 # pyOCD's names
        super().load_page_buffer(buffer_number, address, bytes)
        self._mark(buffer_number, address)

    def program_page(self, address: int, bytes: Any) -> None:  # noqa: A002
        self._mark(0, address)
        super().program_page(address, bytes)

    def _mark(self, buffer_number: int, address: int) -> None:
        own = self._own
        marks = sum(
            1 << bit
            for bit in range(own.page_bytes // own.erase_bytes)
            if address + bit * own.erase_bytes in self._pages
        )
        self.target.write32(own.buffers[buffer_number] + own.page_bytes, marks)


def use_own_algorithm(session: Any, address: int, pages: Collection[int], *, always: bool) -> None:
    """Have a session program a flash with our algorithm, where there is one for its target.

    Args:
        session: an open pyOCD session.
        address: anywhere in the flash.
        pages: first addresses of the erase pages to write; what else pyOCD hands over stays as it is.
        always: erase also what is erased.
    """
    own = _OWN.get(relative(session.board.target_type))
    if own is None:
        return
    target = session.target
    old = target.memory_map.get_region_for_address(address)
    region = FlashRegion(
        name=old.name,
        start=old.start,
        length=old.length,
        is_boot_memory=old.is_boot_memory,
        blocksize=own.page_bytes,
        page_size=own.page_bytes,
        erased_byte_value=own.erased,
        is_erasable=False,  # by a call of its own: ProgramPage erases what it must
        algo=own.described(always=always),
    )
    region.flash = _MarkedFlash(target, own, pages, always=always)
    region.flash.region = region
    target.memory_map.remove_region(old)
    target.memory_map.add_region(region)
