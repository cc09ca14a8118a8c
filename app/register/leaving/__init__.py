"""Erasing, keeping, exporting."""
