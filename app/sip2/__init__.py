"""The door for kiosks that only speak SIP2: a gateway between them and their library's own system (docs/kiosks.md)."""
