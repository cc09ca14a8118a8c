"""What the public reads about a library: contact, branches and opening hours."""
