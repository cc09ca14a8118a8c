"""What the drill of restoring needs: a machine to lose, a register on it, what is refused, SQLite, the units."""
