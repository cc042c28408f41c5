"""Results for people and for machines: terminal, JUnit properties, JSON."""
