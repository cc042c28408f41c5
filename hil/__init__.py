"""Hardware-in-the-loop tests and flashing for Liquid Time-constant networks on Cortex-M0/M0+."""

__version__ = "0.1.0"
