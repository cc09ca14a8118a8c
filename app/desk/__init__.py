"""The desk door: staff sign in, scan a card, and see what to do."""
