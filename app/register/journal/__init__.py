"""The journal of erasures outside the database."""
