"""Connections to the database, transactions, and faults of the database."""
