"""A library's rules, read from its policy file."""
