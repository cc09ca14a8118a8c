"""The keys outside the database, and what is made with them."""
