"""Moving a library's patrons in: what the columns of another system's file mean, and what its rows say."""
