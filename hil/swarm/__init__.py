"""A hub and many nodes: each watches by itself and tells of anomalies alone (docs/swarm.md)."""
