"""The QEMU backend: an nRF51 board in a QEMU process, driven through its gdb stub."""
