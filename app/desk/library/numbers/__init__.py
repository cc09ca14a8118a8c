"""The library's numbers, which name nobody: pages, pictures, and a file."""
