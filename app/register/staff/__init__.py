"""Who works at a library, people and machines."""
