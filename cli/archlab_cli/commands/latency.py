from __future__ import annotations

from pathlib import Path

import click

from archlab.errors import UsageError, did_you_mean
from archlab_cli.options import (
    check_counts,
    check_output,
    check_plot,
    deliver_chart,
    format_option,
    lambda_option,
    note,
    output_option,
    plot_option,
    read_format,
    read_size,
    references,
    size_option,
    write,
)

_BY = ("stage", "block", "layer")


@click.command("latency")
@references
@size_option
@click.option("--batch", type=int, default=1, show_default=True, metavar="N", help="Samples in a batch.")
@click.option("--threads", type=int, default=1, show_default=True, metavar="N", help="Threads that compute.")
@click.option("--precision", default="float32", show_default=True, metavar="NAME", help="float32, bfloat16, float16.")
@click.option(
    "--device", metavar="NAME|FILE", help="A shipped device, or a file of calibrate --export.  [default: this machine]"
)
@click.option("--by", default="stage", show_default=True, metavar="WHAT", help="A row for each stage, block or layer.")
@click.option("--measure", is_flag=True, help="Build the Keras model and time it too.")
@plot_option
@lambda_option
@format_option
@output_option
def command(
    references: tuple[str, ...],
    size: str | None,
    batch: int,
    threads: int,
    precision: str,
    device: str | None,
    by: str,
    measure: bool,
    plot: Path | None,
    allow_lambda: bool,
    form: str | None,
    output: Path | None,
) -> None:
    """How long a forward pass and a training step take, predicted, and what bounds them.

    Of this machine once `archlab calibrate` has measured it; of a device by name (cpu, raspberry-pi-4, t4, v100, a100,
    rtx3090) from its maker's numbers. --plot draws the roofline: every layer a dot.

    \b
    Examples:
      archlab latency baseline residual
      archlab latency resnet50 --batch 8 --threads 2 --measure
      archlab latency residual --device t4 --by layer --plot roofline.svg
    """
    from archlab.analysis.cost import device as find_device
    from archlab.analysis.cost import device_path, latency
    from archlab.report.latency import latency_report
    from archlab.sources import load

    form = read_format(form, output)
    shape = read_size(size)
    check_counts(batch=batch, threads=threads)
    if by not in _BY:
        raise UsageError(f"--by {by}: {did_you_mean(by, _BY)}")
    check_output(output)
    check_plot(plot)
    if plot is not None and len(references) > 1:
        raise UsageError(f"--plot {plot}: the roofline is drawn of one architecture alone")
    machine = find_device(device)
    if device is None and not device_path().is_file():
        note("this machine is not calibrated: `archlab calibrate` measures it")
    architectures = [load(each, shape, allow_lambda=allow_lambda) for each in references]
    found = [
        latency(each, batch, measure=measure, threads=threads, precision=precision, device=machine)
        for each in architectures
    ]
    if plot is not None:
        from archlab.report.latency import roofline_chart

        chart = roofline_chart(found[0])
        deliver_chart(chart, plot)
    data = {
        "schema": 2,
        "architectures": [
            {"name": each.architecture.name, "reference": each.architecture.reference, "latency": each.to_dict()}
            for each in found
        ],
    }
    write(latency_report(found, by), lambda: data, form, output)
