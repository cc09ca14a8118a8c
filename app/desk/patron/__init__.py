"""Patrons at the desk: the one who was scanned or looked up, and new ones."""
