"""The portal door: the start page, signing in and out, and Min side."""
