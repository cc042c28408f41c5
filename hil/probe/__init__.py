"""Emulated boards as pyOCD debug probes: the debug hardware of a Cortex-M0 before a `hil.emulator.machine.Machine`."""
