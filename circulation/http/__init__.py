"""What the portal and the desk ask over HTTP."""
