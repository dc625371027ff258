from __future__ import annotations

from pathlib import Path

import click

from archlab.errors import DesignError, UsageError, did_you_mean
from archlab_cli.options import (
    check_output,
    format_option,
    lambda_option,
    output_option,
    read_format,
    read_size,
    reference,
    size_option,
    write,
)

_BY = ("layer", "block", "stage")


@click.command("show")
@reference
@click.option("--by", default="layer", show_default=True, metavar="WHAT", help="A row for each layer, block or stage.")
@click.option("--share", is_flag=True, help="Beside each number its share of the total.")
@size_option
@lambda_option
@format_option
@output_option
def command(
    reference: str, by: str, share: bool, size: str | None, allow_lambda: bool, form: str | None, output: Path | None
) -> None:
    """One architecture, layer by layer.

    A dash means deliberately nothing, 'unknown' a layer without a rule, '≥' a lower bound, '?' a value that depends on
    the input size, and a star after a receptive field that units also depend on the whole input through a gate.

    \b
    Examples:
      archlab show residual
      archlab show resnet50 --by stage --share
      archlab show residual --input 96x96 --format csv --output residual.csv
    """
    from archlab.analysis import analyze
    from archlab.report import layers_report
    from archlab.sources import load

    form = read_format(form, output)
    if by not in _BY:
        raise UsageError(f"--by {by}: {did_you_mean(by, _BY)}")
    check_output(output)
    architecture = load(reference, read_size(size), allow_lambda=allow_lambda)
    try:
        analysis = analyze(architecture.graph)
    except DesignError as error:
        raise error.within(architecture.name) from None
    report, records = layers_report(architecture, analysis, by, share)  # pyright: ignore[reportArgumentType]  # checked above

    def data() -> dict[str, object]:
        return {
            "schema": 2,
            "name": architecture.name,
            "reference": architecture.reference,
            "paper": architecture.paper,
            **analysis.to_dict(),
            f"{by}s": records,
        }

    write(report, data, form, output)
