"""Memory of measuring gradient flow, against one plain forward and backward pass of the same model, each in a process.

python -m tests.benchmarks.footprint
"""

from __future__ import annotations

import resource
import subprocess
import sys

MODELS = ("baseline", "residual", "residual:depth=50", "resnet50")
BATCH = 16


def peak() -> float:
    """Mebibytes that this process has held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def work(what: str, reference: str) -> None:
    """Print the mebibytes that one pass takes above what is held before it."""
    import tensorflow as tf

    from archlab import load
    from archlab.analysis.measured._batch import synthetic
    from archlab.analysis.measured._loss import choose
    from archlab.analysis.measured._probe import Probe
    from archlab.bridge import build
    from tests.benchmarks.gradients import plain

    graph = load(reference).graph
    batch, loss = synthetic(graph, BATCH), choose(graph, None)
    probe = Probe(build(graph, seed=0), loss)
    tf.constant(0) + 1
    before = peak()
    run = (lambda: probe.run(batch)) if what == "measured" else plain(probe, batch)
    run()
    run()
    print(peak() - before)


def main() -> None:
    """Print the ratios."""
    for reference in MODELS:
        found: dict[str, float] = {}
        for what in ("plain", "measured"):
            command = [sys.executable, "-m", "tests.benchmarks.footprint", what, reference]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found[what] = float(done.stdout.split()[-1])
        ratio = found["measured"] / found["plain"]
        print(
            f"{reference:<20} plain {found['plain']:7.0f} MiB, measured {found['measured']:7.0f} MiB: "
            f"{ratio:.2f} × (to show: at most 1.5)",
            flush=True,
        )


if __name__ == "__main__":
    work(*sys.argv[1:]) if len(sys.argv) > 1 else main()
