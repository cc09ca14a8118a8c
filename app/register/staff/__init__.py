"""The staff and the machines of a library."""
