"""The Renode backend: an STM32L031 board in a Renode process, driven through its gdb server."""
