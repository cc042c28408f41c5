"""Results for people and for machines: terminal, JUnit properties, JSON, the HTML page, pictures."""
