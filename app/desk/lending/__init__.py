"""The counter, for libraries that lend by our circulation."""
