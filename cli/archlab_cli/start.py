"""Where the process begins: it imports nothing, so that an interrupt is answered from the first moment."""

import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    try:
        from archlab_cli.main import main as run
    except KeyboardInterrupt:
        sys.exit(interrupted())
    run()


def interrupted(said: str = "stopped") -> int:
    """Say so in one line; the exit code that shells give a command stopped by an interrupt."""
    print(f"archlab: {said}", file=sys.stderr)
    return 130
