"""What an error code of the agent means, in words."""

from __future__ import annotations

import shlex

from hil.errors import RigError, TargetFault
from hil.frame import Command, Defect, LtcError, Status

_HARD_FAULT = 3

_MEANING = {
    Status.UNKNOWN_COMMAND: "its firmware does not know this command",
    Status.BAD_LENGTH: "the request has the wrong length for the open network ({detail} bytes)",
    Status.BAD_ARGUMENT: "the value {detail} is out of range",
    Status.IMAGE_RANGE: "the image is larger than the {detail} bytes there are",
    Status.IMAGE_CRC: "the image on the board is not the one asked for (its CRC-32 is 0x{detail:08x})",
    Status.IMAGE_REJECTED: "the LTC runtime does not accept the image: {ltc}",
    Status.NO_ROOM: "image and working memory do not fit into {detail} bytes of RAM together",
    Status.NO_NETWORK: "no network is open",
    Status.STATE_REJECTED: "the LTC runtime does not accept the state: {ltc}",
    Status.STEP_REJECTED: "the LTC runtime does not accept the step: {ltc}",
    Status.STORE_RANGE: "that is beyond the {detail} bytes that keep their content without power",
    Status.STORE_FAILED: "the word at {detail} is not as it was written",
    Status.STOP_RANGE: "it can stop for {detail} ms at most (0: it has no Stop mode, or nothing that ends it)",
    Status.TICK_RANGE: "its timer's period is {detail} ms at most (0: none goes on in Stop mode, or starts)",
    Status.NO_WATCH: "it watches nothing: none was begun, or something else was asked of its network since",
    Status.WATCH_RANGE: "the recordings do not fit into the {detail} bytes of its image slot",
    Status.WATCH_ROOM: "the open network leaves RAM for {detail} reports, which are too few",
}

_HINT = {
    Status.UNKNOWN_COMMAND: "flash the present firmware ('--flash always')",
    Status.IMAGE_CRC: "flash the image again ('--flash always')",
    Status.IMAGE_REJECTED: "convert the model again: image and firmware may be of different versions",
    Status.NO_ROOM: "let the image stay in flash, or take a board with more RAM",
    Status.IMAGE_RANGE: "take a board with more memory",
    Status.WATCH_RANGE: "take fewer steps, or a board with a larger slot",
    Status.WATCH_ROOM: "take a smaller network, or a board with more RAM",
    Status.NO_NETWORK: "the firmware has restarted, or no image was loaded",
}


class Refusal(TargetFault):
    """The agent answered a request with an error code.

    Attributes:
        command: what was asked.
        status: the error code.
        detail: the number that came with it.
    """

    def __init__(self, board_name: str, command: Command, status: int, detail: int, *, where: str = "") -> None:
        known = status in set(Status)
        name = Status(status).name if known else "an unknown code"
        meaning = _MEANING.get(Status(status), "") if known else ""
        meaning = meaning.format(detail=detail, ltc=_ltc_name(detail & 0xFF))
        super().__init__(
            f"board '{board_name}' refused {command.name}{where}: {name} (code {status})"
            + (f", {meaning}" if meaning else ""),
            hint=_HINT.get(Status(status)) if known else _HINT[Status.UNKNOWN_COMMAND],
        )
        self.board_name = board_name
        self.command = command
        self.status = status
        self.detail = detail


def _ltc_name(code: int) -> str:
    return f"LTC_ERR_{LtcError(code).name} (-{code})" if code in set(LtcError) else f"error -{code}"


def board_defect(board_name: str, defect: int) -> RigError:
    """The error for what IDENTIFY says of the board itself."""
    if defect == Defect.CRYSTAL:
        return RigError(
            f"board '{board_name}' is defective: its crystal oscillator does not start",
            cause="without it the clock is off by more than the link's bits and any timing can bear",
            hint="check the crystal and its solder joints, or take another board",
        )
    if defect == Defect.CLOCK:
        return RigError(
            f"board '{board_name}' is defective: an oscillator or the PLL of its core does not start",
            cause="the core runs on, from the slow clock of its reset, so that this could be told",
            hint="check its supply voltage, or take another board",
        )
    return RigError(
        f"board '{board_name}' is defective: its firmware reports the unknown defect {defect}",
        hint=_HINT[Status.UNKNOWN_COMMAND],
    )


def line_hint(elf: str, pc: int) -> str:
    """What to type to see the line that an address of a program belongs to."""
    return f"'arm-none-eabi-addr2line -fe {shlex.quote(elf)} 0x{pc:x}' names the line"


def core_fault(board_name: str, exception: int, registers: tuple[int, ...], elf: str) -> TargetFault:
    """The error for a FAULT frame: the exception's number and r0 r1 r2 r3 r12 lr pc xpsr as the core stacked them."""
    kind = "HardFault" if exception == _HARD_FAULT else f"exception {exception}"
    if not any(registers):
        # The fault handler sends zeros where the saved registers would lie outside RAM (port/armv6m/startup.c).
        return TargetFault(
            f"the firmware on board '{board_name}' stopped in a {kind}: its stack has overflowed",
            hint="raise HIL_STACK_BYTES in firmware/CMakeLists.txt; reset the board to go on",
        )
    names = ("r0", "r1", "r2", "r3", "r12", "lr", "pc", "xpsr")
    values = " ".join(f"{name}=0x{value:08x}" for name, value in zip(names, registers, strict=False))
    pc = registers[6] if len(registers) == len(names) else 0
    return TargetFault(
        f"the firmware on board '{board_name}' stopped in a {kind} at pc 0x{pc:08x}",
        cause=values,
        hint=f"{line_hint(elf, pc)}; reset the board to go on",
    )
