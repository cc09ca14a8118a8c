"""Who somebody is, how old, and how they are reached."""
