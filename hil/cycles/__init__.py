"""Cycles of a Cortex-M0 or M0+: the timing model, and what counts by it while an emulator runs."""
