"""What a drill prints: each figure beside what was promised."""

from typing import Final

BROKEN: Final = "BROKEN"
"""The end of a line whose promise does not hold."""


class Figures:
    """The figures of one drill, printed as they come; knows whether a promise was broken."""

    def __init__(self, drill: str) -> None:
        self.drill = drill
        self.broken: list[str] = []

    def note(self, name: str, figure: object) -> None:
        """Print a figure that nothing is promised of."""
        print(f"{self.drill}: {name}: {figure}", flush=True)

    def promise(self, name: str, figure: object, *, holds: bool, promised: str) -> None:
        """Print a figure beside the promise, and remember the line where it does not hold."""
        line = f"{self.drill}: {name}: {figure} (promised: {promised})"
        if not holds:
            line = f"{line} {BROKEN}"
            self.broken.append(line)
        print(line, flush=True)
