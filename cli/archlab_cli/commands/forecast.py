from __future__ import annotations

from pathlib import Path

import click

from archlab_cli.options import (
    check_output,
    format_option,
    lambda_option,
    output_option,
    read_format,
    read_range,
    read_size,
    references,
    size_option,
    write,
)


@click.command("forecast")
@references
@size_option
@click.option("--loss", metavar="NAME", help="The Keras loss.  [default: the compiled one, or by the last layer]")
@click.option(
    "--input-range",
    metavar="LOW:HIGH",
    help="Lowest and highest value of the input, as in 0:255.  [default: 0:255 if it rescales, else variance 1]",
)
@lambda_option
@format_option
@output_option
def command(
    references: tuple[str, ...],
    size: str | None,
    loss: str | None,
    input_range: str | None,
    allow_lambda: bool,
    form: str | None,
    output: Path | None,
) -> None:
    """Whether architectures train, under SGD and Adam, and why not; nothing is built.

    Statistics at initialization are predicted: how the activation gradient fades or grows, how large features become
    and how alike those of two images, dead and saturated units. Each cause is named with its place and with the change
    that mends it most.

    \b
    Examples:
      archlab forecast plain:depth=50 residual:depth=50
      archlab forecast model.keras --input-range 0:1
      archlab forecast resnet50 --format json
    """
    from archlab.analysis import forecast
    from archlab.report.forecast import forecast_report
    from archlab.sources import load

    form = read_format(form, output)
    shape = read_size(size)
    pixels = read_range(input_range)
    check_output(output)
    found = [load(each, shape, allow_lambda=allow_lambda) for each in references]
    forecasts = [forecast(each, loss, pixels) for each in found]
    data = {
        "schema": 2,
        "architectures": [
            {"name": each.name, "reference": each.reference, "forecast": made.to_dict()}
            for each, made in zip(found, forecasts, strict=True)
        ],
    }
    write(forecast_report([each.name for each in found], forecasts), lambda: data, form, output)
