"""The engine's C side as ctypes sees it: its structures, its functions, and those of libunicorn that it is given."""

from __future__ import annotations

import ctypes
from typing import Final

from hil.emulator.twin.library import engine_path

INTERRUPTS: Final = 32
_LEVELS: Final = 16
_EXCEPTIONS: Final = 16 + INTERRUPTS
FUNCTIONS: Final = ("emu_start", "emu_stop", "reg_read", "reg_write", "mem_write", "mem_protect", "ctl", "hook_add")
"""Of libunicorn, in the order of ``struct engine_unicorn``."""

OnRead = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_uint32, ctypes.c_uint32)
OnWrite = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_uint32, ctypes.c_uint32, ctypes.c_uint32)


class Shared(ctypes.Structure):
    """``struct engine_shared``."""

    _fields_ = (
        *(
            (name, ctypes.c_uint64)
            for name in ("clock", "instructions", "horizon", "soft_horizon", "ram_cycles", "ram_since")
        ),
        *((name, ctypes.c_uint32) for name in ("pending", "enabled", "lines", "system_pending", "active")),
        *((name, ctypes.c_uint32) for name in ("vector_table", "system_control", "debug", "asleep", "event")),
        *((name, ctypes.c_uint32) for name in ("not_thumb", "fault", "fault_pc", "fault_address")),
        *((name, ctypes.c_uint32) for name in ("lockup", "lockup_pc", "watch_address", "in_ram")),
        ("failure", ctypes.c_int32),
        ("level", ctypes.c_uint16 * _LEVELS),
        ("priority", ctypes.c_uint8 * _EXCEPTIONS),
        ("taken", ctypes.c_uint64 * _EXCEPTIONS),
    )
    clock: int
    instructions: int
    horizon: int
    soft_horizon: int
    ram_cycles: int
    ram_since: int
    pending: int
    enabled: int
    lines: int
    system_pending: int
    active: int
    vector_table: int
    system_control: int
    debug: int
    asleep: int
    event: int
    not_thumb: int
    fault: int
    fault_pc: int
    fault_address: int
    lockup: int
    lockup_pc: int
    watch_address: int
    in_ram: int
    failure: int
    level: ctypes.Array[ctypes.c_uint16]
    priority: ctypes.Array[ctypes.c_uint8]
    taken: ctypes.Array[ctypes.c_uint64]


class Memory(ctypes.Structure):
    """``struct engine_memory``."""

    _fields_ = (
        ("origin", ctypes.c_uint32),
        ("bytes", ctypes.c_uint32),
        ("data", ctypes.c_void_p),
        ("fetch_wait", ctypes.c_uint32),
        ("sequential_wait", ctypes.c_uint32),
        ("writable", ctypes.c_bool),
    )


class Unicorn(ctypes.Structure):
    """``struct engine_unicorn``."""

    _fields_ = tuple((name, ctypes.c_void_p) for name in FUNCTIONS)


class Words(ctypes.Structure):
    """Words: the cost model (two) and ``struct engine_timing``."""

    _fields_ = tuple(
        (name, ctypes.c_uint32) for name in ("core", "multiply", "enter", "leave", "chain", "port_origin", "port_bytes")
    )


class Device(ctypes.Structure):
    """``struct engine_device``."""

    _fields_ = (("origin", ctypes.c_uint32), ("bytes", ctypes.c_uint32), ("read", OnRead), ("write", OnWrite))


def unicorn_function(name: str) -> int:
    """Address of a function of libunicorn, as its Python package has loaded it."""
    from unicorn.unicorn_py3.unicorn import uclib  # noqa: PLC0415 # the package offers it under no other name

    return int(ctypes.cast(getattr(uclib, f"uc_{name}"), ctypes.c_void_p).value or 0)


def load_engine() -> ctypes.CDLL:
    """The engine, with the types of its functions; RigError where it cannot be compiled."""
    lib = ctypes.CDLL(str(engine_path()))
    pointer, word = ctypes.c_void_p, ctypes.c_uint32
    lib.engine_open.restype = pointer
    lib.engine_open.argtypes = (pointer, pointer, pointer, pointer, pointer, word)
    lib.engine_shared.restype = ctypes.POINTER(Shared)
    lib.engine_step.argtypes = (pointer, ctypes.c_bool)
    lib.engine_arrive.argtypes = (pointer, ctypes.c_bool)
    lib.engine_forget_code.argtypes = (pointer, word, word)
    lib.engine_bar.argtypes = (pointer, word, ctypes.c_bool)
    lib.engine_load_waits.argtypes = (pointer, ctypes.c_uint64)
    lib.engine_wait_states.argtypes = (pointer, word, word)
    answering = {
        "attach": (pointer, pointer),
        "count": (pointer, pointer),
        "breakpoint": (pointer, word, ctypes.c_bool),
        "watch": (pointer, word, word, word),
        "unwatch": (pointer, word, word, word),
        "store": (pointer, word, ctypes.c_char_p, word),
    }
    for name, arguments in answering.items():
        function = getattr(lib, f"engine_{name}")
        function.argtypes = arguments
        function.restype = ctypes.c_bool
    for name in ("close", "shared", "reset", "run", "book"):
        getattr(lib, f"engine_{name}").argtypes = (pointer,)
    return lib
