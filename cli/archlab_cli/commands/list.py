from __future__ import annotations

from pathlib import Path

import click

from archlab_cli.options import check_output, format_option, output_option, read_format, write


@click.command("list")
@format_option
@output_option
def command(form: str | None, output: Path | None) -> None:
    """The architectures that can be named.

    \b
    Examples:
      archlab list
      archlab list --format csv
    """
    from archlab.report import zoo_report
    from archlab.zoo import entries

    form = read_format(form, output)
    check_output(output)
    report, records = zoo_report(entries())
    write(report, lambda: {"schema": 2, "architectures": records}, form, output)
