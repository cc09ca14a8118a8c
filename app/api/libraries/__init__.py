"""Libraries for everybody: how to reach them and when they are open."""
