"""Who looked at whom, in a log that shows tampering."""
