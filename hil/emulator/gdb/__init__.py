"""What emulators share that are driven through a gdb stub: its client, and the places where a core stops."""
