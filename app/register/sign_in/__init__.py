"""Signing in with PINs, codes and links, on devices, in sessions."""
