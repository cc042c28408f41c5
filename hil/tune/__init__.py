"""Which solver keeps a network's decisions with the fewest cycles."""
