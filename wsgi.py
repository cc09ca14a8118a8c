"""The national portal, for a WSGI server (`gunicorn wsgi:app`) and for the operator's commands (`flask --app wsgi`)."""

import os
import sys
from pathlib import Path

# What runs keeps to its own version while an installation's links are led to another one.
sys.path.insert(0, str(Path(__file__).resolve().parent))
from app import create_app
from app.cli.failing import end_with_a_sentence
from app.cli.starting import check_start_of_portal
from app.work.sentences import sentence_of

sys.excepthook = end_with_a_sentence
# To gunicorn it means that another worker would not get further either.
_NO_APP = 4

try:
    app = create_app()
    # Flask's program says so of itself; `flask db upgrade` must run where the portal must not.
    if os.environ.get("FLASK_RUN_FROM_CLI") != "true":
        with app.app_context():
            check_start_of_portal()
except Exception as error:
    sys.stderr.write(f"Error: {sentence_of(error)}\n")
    sys.exit(_NO_APP)
