"""Libraries: the list of them, what each may set, and when one closes."""
