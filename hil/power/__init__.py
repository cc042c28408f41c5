"""Current analyzers behind one interface, and what follows from their recordings (docs/adr/0011-power-analyzers.md)."""
