"""What operators measure. No label holds a person, a card, a user name or a network address."""
