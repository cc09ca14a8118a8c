"""The scan of a card, as kiosks and libraries' systems ask for it."""
