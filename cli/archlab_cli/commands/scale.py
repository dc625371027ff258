from __future__ import annotations

from pathlib import Path

import click

from archlab.errors import UsageError
from archlab_cli.options import (
    check_output,
    deliver_file,
    format_option,
    output_option,
    read_format,
    read_size,
    reference,
    size_option,
    write,
)


@click.command("scale")
@reference
@size_option
@click.option("--macs", required=True, metavar="N", help="So many times the MACs, as in 2x.")
@click.option("--save", type=click.Path(path_type=Path), metavar="FILE", help="Write the architecture as YAML.")
@format_option
@output_option
def command(
    reference: str, size: str | None, macs: str, save: Path | None, form: str | None, output: Path | None
) -> None:
    """An architecture with its widths and depths scaled together, to so many times the MACs.

    \b
    Examples:
      archlab scale residual --macs 2x
      archlab scale residual --macs 0.25x --save small.yaml
    """
    from archlab.analysis.fitting import measures, scale
    from archlab.report.fitting import scale_report
    from archlab.sources import load

    form = read_format(form, output)
    try:
        factor = float(macs.strip().lower().removesuffix("x").removesuffix("×"))
    except ValueError:
        factor = 0.0
    if not 0 < factor < float("inf"):
        raise UsageError(f"--macs {macs}: expected a factor above 0, as in 2x")
    check_output(output)
    architecture = load(reference, read_size(size))
    found = scale(architecture, factor)
    if save is not None:
        from archlab.export import to_yaml

        text = to_yaml(found.tree)
        deliver_file(lambda path: path.write_text(text, encoding="utf-8"), save)
    data = {"schema": 2, "name": architecture.name, "reference": architecture.reference, "scale": found.to_dict()}
    write(scale_report(architecture.name, measures(architecture), found), lambda: data, form, output)
