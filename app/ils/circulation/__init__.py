"""Libraries that lend by our own circulation."""
