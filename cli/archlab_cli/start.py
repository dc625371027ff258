"""Where the process begins: it imports next to nothing, so that an interrupt is answered from the first moment."""

import sys

from archlab_cli.interrupt import interrupted


def main() -> None:
    """Run the command line and leave with its exit code."""
    try:
        from archlab_cli.main import main as run
    except KeyboardInterrupt:
        sys.exit(interrupted())
    run()
