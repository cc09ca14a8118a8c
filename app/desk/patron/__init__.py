"""The patron before the desk, whoever is looked up, and whoever is new."""
