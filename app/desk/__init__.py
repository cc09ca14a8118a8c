"""The desk door: staff sign in, scan a card, and see what to do."""

from app.desk import (
    acts,
    counter,
    dying,
    enrolling,
    finding,
    frame,
    items,
    national_number,
    numbers,
    patron,
    post,
    replacing,
    self_service,
    waiting,
)
from app.desk.routes import desk

__all__ = [
    "acts",
    "counter",
    "desk",
    "dying",
    "enrolling",
    "finding",
    "frame",
    "items",
    "national_number",
    "numbers",
    "patron",
    "post",
    "replacing",
    "self_service",
    "waiting",
]
