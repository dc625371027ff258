from __future__ import annotations

from pathlib import Path

import click

from archlab.errors import UsageError, did_you_mean
from archlab.parsing import read_bytes
from archlab_cli.options import (
    check_counts,
    check_output,
    check_plot,
    deliver_chart,
    format_option,
    lambda_option,
    output_option,
    plot_option,
    read_format,
    read_size,
    references,
    size_option,
    write,
)


@click.command("memory")
@references
@size_option
@click.option("--batch", type=int, default=32, show_default=True, metavar="N", help="Samples in a batch.")
@click.option(
    "--optimizer", default="adamw", show_default=True, metavar="NAME", help="sgd, momentum, rmsprop, adam or adamw."
)
@click.option(
    "--precision", default="float32", show_default=True, metavar="NAME", help="float32; bfloat16 or float16: mixed."
)
@click.option("--fit", metavar="BYTES", help="The largest batch whose step fits, as in 8GiB.")
@click.option("--recompute", is_flag=True, help="Blocks compute their inside anew in the backward pass.")
@click.option("--timeline", is_flag=True, help="Show the most live bytes in every stage, forward and backward.")
@plot_option
@lambda_option
@format_option
@output_option
def command(
    references: tuple[str, ...],
    size: str | None,
    batch: int,
    optimizer: str,
    precision: str,
    fit: str | None,
    recompute: bool,
    timeline: bool,
    plot: Path | None,
    allow_lambda: bool,
    form: str | None,
    output: Path | None,
) -> None:
    """The memory of a training step, and the batch that fits: nothing is built.

    Weights, optimizer slots, saved activations, gradients and what layers need while they compute; the peak, when it
    is reached, and what recomputation, half precision or another optimizer would save.

    \b
    Examples:
      archlab memory residual --batch 32 --fit 8GiB
      archlab memory resnet50 --precision bfloat16 --optimizer sgd --recompute
      archlab memory baseline residual --timeline --plot memory.svg
    """
    from archlab.analysis.cost import OPTIMIZERS, PRECISIONS, memory
    from archlab.report.memory import memory_report
    from archlab.sources import load

    form = read_format(form, output)
    shape = read_size(size)
    check_counts(batch=batch)
    for option, word, known in (("--optimizer", optimizer, OPTIMIZERS), ("--precision", precision, PRECISIONS)):
        if word not in known:
            raise UsageError(f"{option} {word}: {did_you_mean(word, known)}")
    limit = None if fit is None else read_bytes(fit, "--fit")
    check_output(output)
    check_plot(plot)
    architectures = [load(each, shape, allow_lambda=allow_lambda) for each in references]
    found = [memory(each, batch, optimizer, precision, recompute=recompute) for each in architectures]
    names = [each.name for each in architectures]
    if plot is not None:
        from archlab.charts import Place
        from archlab.charts import timeline as drawn
        from archlab.units import BYTES

        unit, scale = BYTES.scaled(max(each.peak for each in found))
        places = [
            Place(name, float(number), moment.bytes / scale, f"{name}: {moment.layer}, {moment.phase}")
            for name, each in zip(names, found, strict=True)
            for number, moment in enumerate(each.timeline)
        ]
        chart = drawn(places, unit, what="live bytes", order="layers as they run, forward and then backward")
        deliver_chart(chart, plot)
    data = {
        "schema": 2,
        "architectures": [
            {
                "name": each.name,
                "reference": each.reference,
                "memory": made.to_dict() | ({"largest_batch": made.largest_batch(limit)} if limit else {}),
            }
            for each, made in zip(architectures, found, strict=True)
        ],
    }
    write(memory_report(names, found, limit, timeline), lambda: data, form, output)
