"""Flash regions of our own, for targets that pyOCD's built-in description programs slowly.

pyOCD describes the STM32L031 with pages of 128 bytes, each erased by one call of its flash algorithm and programmed by
another, and with an erased value that is not the chip's: 512 calls for its 32 KB, and each call is a row of transfers
through the probe. Here a call takes 1 KB, and the algorithm finds out itself what has to be erased and programmed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

# pyOCD has annotations but no py.typed.
from pyocd.core.memory_map import FlashRegion  # type: ignore[import-untyped]
from pyocd.flash.flash import Flash  # type: ignore[import-untyped]

_HERE: Final = Path(__file__).parent


@dataclass(frozen=True)
class OwnAlgorithm:
    """A flash algorithm of ours, and where it finds room in the target's RAM.

    Attributes:
        file: its machine code, see `stm32l0_flash.S`.
        load_address: of the code, 256 bytes at most.
        stack: where the stack begins, downwards.
        buffers: two, each of a page: one is filled while the other is programmed.
        page_bytes: what one call programs.
        erased: what each byte of erased flash reads as.
    """

    file: Path
    load_address: int
    stack: int
    buffers: tuple[int, int]
    page_bytes: int
    erased: int

    def described(self, *, always: bool) -> dict[str, Any]:
        """The algorithm as pyOCD wants it.

        Args:
            always: erase and program also what is on the target already.
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
    buffers=(0x20000400, 0x20000800),
    page_bytes=0x400,
    erased=0x00,
)
_OWN: Final = {"stm32l031x6": STM32L0}


def use_own_algorithm(session: Any, address: int, *, always: bool) -> None:
    """Have a session program a flash with our algorithm, where there is one for its target.

    Args:
        session: an open pyOCD session.
        address: anywhere in the flash.
        always: erase and program also what is on the target already.
    """
    own = _OWN.get(session.board.target_type)
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
    region.flash = Flash(target, region.algo)
    region.flash.region = region
    target.memory_map.remove_region(old)
    target.memory_map.add_region(region)
