"""Boards behind a labgrid coordinator: places found by their tags, held by labgrid's own lock, let go at the end."""
