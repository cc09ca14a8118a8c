"""Messages to patrons, from the request to the printed letter."""
