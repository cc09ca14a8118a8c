"""Drills: what operators rely on, tried with the real programs. `./manage drill NAME`; a broken promise ends with 1."""
