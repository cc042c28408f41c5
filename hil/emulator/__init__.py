"""Emulated boards: what an emulator offers, its backends, and the process that keeps one powered."""
