"""How many tries are left, and which numbers are unusual."""
