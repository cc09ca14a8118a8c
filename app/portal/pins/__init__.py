"""PINs, forgotten and new, and codes for new devices."""
