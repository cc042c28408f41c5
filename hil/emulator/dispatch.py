"""The supervisor's side of a request: the `Machine` operation it names, and the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hil.emulator.machine import Access, MachineError, MemoryFault
from hil.emulator.rpc import Message, encode, encode_error
from hil.errors import RigError

if TYPE_CHECKING:
    from hil.emulator.machine import Machine

_PLAIN: Final = (
    *("power_on", "power_off", "halt", "resume", "step", "reset", "write_register", "set_debug"),
    *("set_breakpoint", "remove_breakpoint", "record_activity"),
)


def answer(machine: Machine, request: Message) -> bytes:
    """Do what a request asks and encode the answer, which may be an error."""
    fields, payload = request
    try:
        result, data = _perform(machine, fields["op"], fields["args"], payload)
    except MemoryFault as error:
        return encode({"fault": error.address})
    except RigError as error:
        return encode_error(error)
    return encode({"result": result}, data)


def _perform(machine: Machine, op: str, args: dict[str, Any], payload: bytes) -> tuple[Any, bytes]:
    result: Any = None
    data = b""
    match op:
        case "status":
            status = machine.status()
            reason = status.reason.value if status.reason else None
            result = {"state": status.state.value, "reason": reason, "detail": status.detail, "noticed": status.noticed}
        case "read_memory":
            data = machine.read_memory(args["address"], args["size"])
        case "write_memory":
            machine.write_memory(args["address"], payload)
        case "read_register":
            result = machine.read_register(args["name"])
        case "set_watchpoint" | "remove_watchpoint":
            getattr(machine, op)(args["address"], args["size"], Access(args["access"]))
        case "flash_image":
            data = machine.flash_image()
        case "take_activity":
            record = machine.take_activity()
            result, data = record.fields(), record.payload()
        case "set_flash_image":
            machine.set_flash_image(payload)
        case _ if op in _PLAIN:
            getattr(machine, op)(**args)
        case _:
            raise MachineError(f"the emulator has no operation '{op}'")
    return result, data
