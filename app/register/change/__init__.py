"""Enrolling patrons, and changing them."""
