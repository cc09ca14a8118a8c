"""The patron before the desk."""
