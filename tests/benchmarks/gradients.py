"""What one more seed of gradient flow costs, against one plain forward and backward pass of the same compiled model.

python -m tests.benchmarks.gradients
"""

from __future__ import annotations

from typing import Any

from archlab import load
from archlab.analysis.measured._batch import synthetic
from archlab.analysis.measured._gradient_flow import BATCH
from archlab.analysis.measured._loss import choose
from archlab.analysis.measured._probe import probe_of
from archlab.bridge import build, load_keras
from tests.benchmarks._timing import in_turns, report


def plain(probe: Any, batch: Any) -> Any:
    """A forward and backward pass for the gradients of all weights, compiled, and nothing else."""
    tf, _ = load_keras()
    model = probe.runnable.model
    x, y = tf.constant(batch.x[0]), tf.constant(batch.y[0])

    @tf.function(jit_compile=False, autograph=False)
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            value = probe.loss([y], [model(x, training=True)])
        # Without a use of every gradient TensorFlow would leave out the work.
        return [tf.reduce_sum(gradient) for gradient in tape.gradient(value, model.trainable_variables)]

    return lambda: [each.numpy() for each in step(x, y)]


def main() -> None:
    """Print the ratios."""
    for reference in ("baseline", "residual", "plain:depth=50", "residual:depth=50", "resnet50"):
        graph = load(reference).graph
        batch, loss = synthetic(graph, BATCH), choose(graph, None)
        probe = probe_of(build(graph, seed=0), loss, training=True)
        seeds = iter(range(1_000))
        contenders = {
            "one more seed": lambda p=probe, b=batch, s=seeds: p.run(b, p.drawn(next(s))),
            "forward and backward": plain(probe, batch),
        }
        times = in_turns(contenders, 7)
        report(f"{reference}, {BATCH} examples", times, "forward and backward", "at most 1.3")


if __name__ == "__main__":
    main()
