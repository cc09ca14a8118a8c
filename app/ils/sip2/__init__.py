"""Libraries whose system speaks SIP2."""
