"""Runs inputs of one kind as they come in, a line of JSON each, and answers with a line: what went wrong."""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import traceback
from pathlib import Path

_MOST_ADDRESSES = 6 * 10**9
"""Above what any call may take by far: it keeps a fault from taking the machine with it."""


def _peak() -> int:
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))


def _reset() -> int:
    """Forget the peak so far; the memory in use, bytes."""
    Path("/proc/self/clear_refs").write_text("5")
    return _peak()


def main() -> None:
    """Answer until there is no more input."""
    # What libraries print to standard output is no answer.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    from tests.fuzz.kinds import KINDS

    kind = KINDS[sys.argv[1]]
    if kind.keras:
        from archlab.bridge import load_any_keras

        load_any_keras()
    else:
        resource.setrlimit(resource.RLIMIT_AS, (_MOST_ADDRESSES, _MOST_ADDRESSES))
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        given, before, fault = json.loads(line), _reset(), ""
        with tempfile.TemporaryDirectory() as folder:
            try:
                kind.run(given, Path(folder))
            except BaseException as error:
                where = traceback.extract_tb(error.__traceback__)[-6:]
                trail = " < ".join(f"{Path(each.filename).name}:{each.lineno}" for each in reversed(where))
                fault = f"{type(error).__name__}: {str(error)[:300]!a} at {trail}"
        print(json.dumps({"fault": fault, "memory": _peak() - before}), file=answers, flush=True)


if __name__ == "__main__":
    main()
