"""Messages about the card, by e-mail, SMS or printed letter. None says anything about loans."""
