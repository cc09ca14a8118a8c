"""Patrons, their card numbers, addresses and libraries, and the notices that those libraries get."""
