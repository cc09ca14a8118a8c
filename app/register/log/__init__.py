"""Who had access to whose data, in a log that shows tampering."""
