"""Emulated boards as pyOCD debug probes: the debug hardware of a Cortex-M0, in front of a `hil.emulator.Machine`."""
