"""How those who work at a library come in: the link by which they set it up, and their passkeys."""
