"""A card from home, and libraries that activate online."""
