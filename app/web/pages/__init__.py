"""What pages have in common."""
