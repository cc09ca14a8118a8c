"""The demo door, for the demonstration only: invented people and their PINs, and what imitates wallets."""

from app.demo import wallet  # noqa: F401 - its routes
from app.demo.routes import demo as demo
