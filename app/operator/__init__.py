"""The operator's page: the whole country's libraries and what runs, for whoever has a shell on the server.

It is no part of the portal that the internet sees: `flask operator-page` serves it, to this machine alone.
"""
