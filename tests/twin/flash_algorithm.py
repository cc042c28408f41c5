"""The flash algorithm of hil.probe.flash_region, assembled from its source. Run it to write the file."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

from hil.probe.flash_region import STM32L0

SOURCE = STM32L0.file.with_suffix(".S")
PREFIX = "arm-none-eabi-"


def assembled() -> str:
    """What the file of machine code must hold."""
    with tempfile.TemporaryDirectory() as folder:
        elf, binary = (Path(folder) / name for name in ("flash.elf", "flash.bin"))
        subprocess.run([f"{PREFIX}as", SOURCE, "-o", f"{elf}.o"], check=True)
        at = f"-Ttext={STM32L0.load_address:#x}"
        subprocess.run([f"{PREFIX}ld", at, "--entry=init", f"{elf}.o", "-o", elf], check=True)
        subprocess.run([f"{PREFIX}objcopy", "-O", "binary", elf, binary], check=True)
        listing = subprocess.run([f"{PREFIX}nm", elf], check=True, capture_output=True, text=True).stdout
        code = binary.read_bytes()
    symbols = {fields[2]: int(fields[0], 16) for line in listing.splitlines() if len(fields := line.split()) == 3}
    words = [code[at : at + 4][::-1].hex() for at in range(0, len(code), 4)]
    rows = [" ".join(words[at : at + 8]) for at in range(0, len(words), 8)]
    content = {
        "source": SOURCE.name,
        "entries": {name: symbols[name] - STM32L0.load_address for name in ("init", "uninit", "erase", "program")},
        "always": symbols["always"] - STM32L0.load_address,
        "words": rows,
    }
    return json.dumps(content, indent=1) + "\n"


if __name__ == "__main__":
    STM32L0.file.write_text(assembled(), encoding="utf-8")
