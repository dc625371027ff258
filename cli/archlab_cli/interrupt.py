"""What is said when a command is stopped. It imports next to nothing: it is there before anything else is."""

import sys


def interrupted(said: str = "stopped") -> int:
    """Say so in one line; the exit code that shells give a command stopped by an interrupt."""
    print(f"archlab: {said}", file=sys.stderr)
    return 130
