"""A person's name, number, age and contact data."""
