"""The card's code, number and status, and what a scan is worth."""
