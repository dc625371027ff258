from __future__ import annotations

import typer

from archlab_cli.options import Format, Output, check_output, read_format, write

app = typer.Typer(rich_markup_mode=None)


@app.command()
def command(format: Format = None, output: Output = None) -> None:
    """The architectures that can be named.

    \b
    Examples:
      archlab list
      archlab list --format csv
    """
    from archlab.report import zoo_report
    from archlab.zoo import entries

    form = read_format(format, output)
    check_output(output)
    report = zoo_report(entries())
    write(report, lambda: list(report.parts[0].records), form, output)  # pyright: ignore[reportAttributeAccessIssue]
