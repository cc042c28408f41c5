"""What nights add up to: a history of figures and outcomes, what changed in it, and the script that makes a night."""
