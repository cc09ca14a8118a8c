"""What everything is measured against: `gunicorn bench.bare:app`."""

from flask import Flask, jsonify
from flask.typing import ResponseReturnValue

from app.register.keys.vault import Vault

app = Flask(__name__)
_vault = Vault({1: bytes(32)})
_verifier = _vault.hash_pin("4719")


@app.route("/", methods=["GET", "POST"])
def answer() -> ResponseReturnValue:
    """Answer in JSON, and do nothing."""
    return jsonify(status="ok")


@app.get("/argon2")
def evaluate() -> ResponseReturnValue:
    """Verify one PIN, and do nothing else."""
    return jsonify(right=_vault.verify_pin("4719", _verifier, 1))
