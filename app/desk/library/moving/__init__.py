"""Moving in and out: patrons from another system's file, and everything of the library's as files."""
