"""What the drills of installing and upgrading need: the documents' commands, bare systems, and people who come."""
