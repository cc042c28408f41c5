"""What a chip does over time, what its data sheet says it then draws, and the energy of steps that follows."""
