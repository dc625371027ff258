from __future__ import annotations

from pathlib import Path

import click

from archlab_cli.options import (
    check_counts,
    check_output,
    check_plot,
    deliver_chart,
    format_option,
    lambda_option,
    output_option,
    plot_option,
    progress,
    read_format,
    read_size,
    reference,
    size_option,
    write,
)


@click.command("ablate")
@reference
@size_option
@click.option("--per-stage", is_flag=True, help="Remove each stage as well.")
@click.option("--measured", is_flag=True, help="Measure the gradients of every variant too.")
@click.option("--batch", type=int, default=32, show_default=True, metavar="N", help="Samples that costs are of.")
@click.option("--device", metavar="NAME|FILE", help="As for latency.  [default: this machine]")
@plot_option
@lambda_option
@format_option
@output_option
def command(
    reference: str,
    size: str | None,
    per_stage: bool,
    measured: bool,
    batch: int,
    device: str | None,
    plot: Path | None,
    allow_lambda: bool,
    form: str | None,
    output: Path | None,
) -> None:
    """What each pattern buys: residual connections, normalization, separable convolutions.

    Every combination is taken away, and the cost, the predicted gradients and the forecast compared; each pattern's
    contribution is its mean over all orders, so that contributions add up. Of a Keras model blocks are bypassed.

    \b
    Examples:
      archlab ablate residual
      archlab ablate resnet50 --input 64x64 --per-stage --format csv
      archlab ablate residual --measured --plot contributions.svg
    """
    from archlab.analysis.ablation import ablate
    from archlab.report.ablation import ablation_report, contributions_chart
    from archlab.sources import load

    form = read_format(form, output)
    check_counts(batch=batch)
    shape = read_size(size)
    check_output(output)
    check_plot(plot)
    architecture = load(reference, shape, allow_lambda=allow_lambda)
    with progress(20) as step:
        found = ablate(architecture, per_stage=per_stage, measured=measured, batch=batch, device=device, progress=step)
    if plot is not None:
        chart = contributions_chart(found)
        deliver_chart(chart, plot)
    data = {
        "schema": 2,
        "name": architecture.name,
        "reference": architecture.reference,
        "ablation": found.to_dict(),
    }
    write(ablation_report(found), lambda: data, form, output)
