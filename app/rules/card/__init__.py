"""The card's code, number and status, and whether a scan is accepted."""
