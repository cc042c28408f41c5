"""The rings of the link over a UART (firmware/port/uart) in this process, on a UART that the test holds still."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

import pytest

from tests.contract.memory_agent import BOARD_H, FIRMWARE, compile_sources

if TYPE_CHECKING:
    from pathlib import Path

RING_BYTES = 256
TRIES = 0x10000
MOST_TRIES = 2 * TRIES
PORT_H = """\
#include <stdbool.h>
#include <stdint.h>
extern volatile uint32_t asked;
extern bool takes;
void wire_sent(uint8_t byte);
static inline uint32_t uart_port_status(void) { asked++; return 0; }
static inline uint32_t uart_port_receive(uint32_t status, uint8_t *byte) { (void)status; (void)byte; return 0; }
static inline bool uart_port_takes(uint32_t status) { (void)status; return takes; }
static inline void uart_port_send(uint8_t byte) { wire_sent(byte); }
static inline void uart_port_ask(bool whenever_it_takes) { (void)whenever_it_takes; }
"""
INTERRUPTS_H = """\
#include <stdint.h>
static inline uint32_t interrupts_mask(void) { return 1; }
static inline void interrupts_restore(uint32_t masked) { (void)masked; }
static inline void interrupts_wait(void) {}
"""
WIRE_C = """\
#include "startup.h"
volatile uint32_t asked;
bool takes;
uint8_t sent[4096];
uint32_t sent_bytes;
void wire_sent(uint8_t byte);
void wire_sent(uint8_t byte) { sent[sent_bytes++ % sizeof sent] = byte; }
struct port_memory startup_memory(uint32_t window_bytes) {
    return (struct port_memory){.window_bytes = window_bytes};
}
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("uart")
    for name, text in (("board.h", BOARD_H), ("uart_port.h", PORT_H), ("interrupts.h", INTERRUPTS_H)):
        (folder / name).write_text(text)
    wire = folder / "wire.c"
    wire.write_text(WIRE_C)
    includes = (folder, *(FIRMWARE / name for name in ("port", "port/uart", "port/armv6m")))
    return compile_sources(folder, ["port/uart/uart_link.c"], [wire], includes)


def in_the_fault_handler(library: Path) -> tuple[ctypes.CDLL, ctypes.c_uint32, ctypes.c_bool]:
    """The rings, how often the UART was asked, and whether it takes bytes: it does not. Interrupts stay masked."""
    rings = ctypes.CDLL(str(library))
    asked, takes = (each.in_dll(rings, name) for name, each in (("asked", ctypes.c_uint32), ("takes", ctypes.c_bool)))
    return rings, asked, takes


def test_a_uart_that_takes_nothing_is_waited_for_once_in_all_reports(library: Path) -> None:
    rings, asked, takes = in_the_fault_handler(library)
    report = bytes(range(1, 61))
    for _ in range(10):
        rings.port_write(report, len(report))
    assert TRIES <= asked.value < MOST_TRIES
    # It takes some again: what is in the ring goes out as it was written, and new bytes behind it.
    takes.value = True
    byte = ctypes.c_uint8()
    for _ in range(2 * RING_BYTES):
        rings.startup_poll(ctypes.byref(byte))
    rings.port_write(b"new", 3)
    for _ in range(4):
        rings.startup_poll(ctypes.byref(byte))
    sent = bytes((ctypes.c_uint8 * 4096).in_dll(rings, "sent"))[: ctypes.c_uint32.in_dll(rings, "sent_bytes").value]
    assert sent == (report * 10)[:RING_BYTES] + b"new"
