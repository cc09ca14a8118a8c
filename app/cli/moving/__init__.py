"""`flask import-patrons`: moving a library's patrons in, for a library without a browser."""
