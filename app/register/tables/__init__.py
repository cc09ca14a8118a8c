"""Every table of the register. A citizen can read here what is stored, and no more is."""
