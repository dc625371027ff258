"""`python -m tests.fuzz [--minutes M] [--seed S] [--only KIND…]`: all kinds in turn, until the time is over."""

from __future__ import annotations

import argparse
import sys
import time

from tests.fuzz.kinds import KINDS
from tests.fuzz.run import Fault, fuzz

_AT_ONCE = 200


def main() -> int:
    """Print each fault once; the exit code is 1 if there was one."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5, help="default: 5")
    parser.add_argument("--seed", type=int, default=0, help="of the first round; default: 0")
    parser.add_argument("--only", nargs="+", choices=sorted(KINDS), default=sorted(KINDS), metavar="KIND")
    asked = parser.parse_args()
    start, calls, seed = time.monotonic(), 0, asked.seed
    last, faults = start, dict[str, Fault]()
    while time.monotonic() < start + 60 * asked.minutes:
        for name in asked.only:
            done = fuzz(name, seed, _AT_ONCE, until=start + 60 * asked.minutes)
            calls += done.calls
            for fault in done.faults:
                if fault.signature not in faults:
                    faults[fault.signature] = fault
                    last = time.monotonic()
                    print(f"{name}, seed {seed}: {fault.said}\n    {fault.given}", flush=True)
        print(f"seed {seed}: {calls:,} calls in {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
        seed += 1
    quiet = time.monotonic() - last
    print(f"{calls:,} calls, {len(faults)} faults, {quiet:.0f} s after the last one or the beginning")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
