"""The national portal, for a WSGI server: `gunicorn wsgi:app`."""

import sys
from pathlib import Path

# What runs keeps to its own version while an installation's links are led to another one.
sys.path.insert(0, str(Path(__file__).resolve().parent))
from app import create_app

app = create_app()
