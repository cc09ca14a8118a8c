"""The library's loan rules as a form over what its own system charges by."""
