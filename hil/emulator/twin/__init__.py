"""The digital twin: a board emulated on Unicorn, with the cycles, peripherals and flash of the real part.

Unicorn is GPL-2.0: it is an extra, and imported in this folder alone.
"""
