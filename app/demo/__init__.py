"""The demo door: invented people and their PINs. It is plugged in for the demonstration only."""
