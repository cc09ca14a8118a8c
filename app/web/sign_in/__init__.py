"""Who is signed in, and what is asked of them again."""
