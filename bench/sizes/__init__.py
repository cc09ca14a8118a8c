"""The same acts at three sizes of register in one run: what stays the same, and how long the rest takes."""
