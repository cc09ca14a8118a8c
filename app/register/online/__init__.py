"""Getting a card online."""
