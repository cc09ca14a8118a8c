"""PINs, which are guessed easily, and how many tries there are."""
