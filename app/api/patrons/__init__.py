"""Libraries' systems, and their patrons."""
