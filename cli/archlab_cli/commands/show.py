from __future__ import annotations

from typing import Annotated

import typer

from archlab.errors import DesignError, UsageError, did_you_mean
from archlab_cli.options import Format, Output, Reference, Size, check_output, read_format, read_size, write

app = typer.Typer(rich_markup_mode=None)

_BY = ("layer", "block", "stage")


@app.command()
def command(
    reference: Reference,
    by: Annotated[str, typer.Option("--by", help="A row for each layer, block or stage.")] = "layer",
    input: Size = None,
    format: Format = None,
    output: Output = None,
) -> None:
    """One architecture, layer by layer.

    A dash is deliberately nothing, 'unknown' a layer without a rule, '?' what needs the input's size, and a star after
    a receptive field says that units also see the whole image through a gate.

    \b
    Examples:
      archlab show residual
      archlab show resnet50 --by stage
      archlab show residual --input 96x96 --format csv --output residual.csv
    """
    from archlab.analysis.static import analyze
    from archlab.report import layers_report
    from archlab.sources import load

    form = read_format(format, output)
    if by not in _BY:
        raise UsageError(f"--by {by}: {did_you_mean(by, _BY)}")
    check_output(output)
    architecture = load(reference, read_size(input))
    try:
        analysis = analyze(architecture.graph)
    except DesignError as error:
        raise error.within(architecture.name) from None
    report = layers_report(architecture, analysis, by)  # pyright: ignore[reportArgumentType]
    records = [record for part in report.parts for record in getattr(part, "records", ())]
    data = {
        "schema": 1,
        "name": architecture.name,
        "reference": architecture.reference,
        "paper": architecture.paper,
        **analysis.to_dict(),
        f"{by}s": records,
    }
    write(report, lambda: data, form, output)
