"""Libraries that lend by Koha."""
