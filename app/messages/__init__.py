"""Floor 1: messages about the card, by e-mail or as a printed letter. Nothing about loans is ever in one."""
