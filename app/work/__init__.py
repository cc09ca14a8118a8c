"""The work that no page waits for: sending messages, telling libraries, daily duties."""
