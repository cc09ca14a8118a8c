"""One scan field for everything: what is scanned decides whether a patron's visit opens or an item is lent."""
