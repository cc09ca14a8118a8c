"""Patrons, their numbers, addresses and libraries, and what those are to be told."""
