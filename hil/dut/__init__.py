"""The DUT: an opened board with its firmware, probe and link, and how one is chosen, opened and shared by a run."""
