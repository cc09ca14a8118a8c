"""Moving in and out: a library's patrons from another system's file, and everything of the library's as files."""
