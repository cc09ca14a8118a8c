"""The way to the database, and what ails it."""
