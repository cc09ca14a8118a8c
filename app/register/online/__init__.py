"""A card from home."""
