from __future__ import annotations

from pathlib import Path

import click

from archlab_cli.options import check_output, format_option, output_option, read_format, write


@click.command("evaluate")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--data", metavar="DIR", help="Another data set with the same classes.  [default: the run's own]")
@click.option("--split", default="test", show_default=True, metavar="NAME", help="test, validation or train.")
@format_option
@output_option
def command(run: Path, data: str | None, split: str, form: str | None, output: Path | None) -> None:
    """Evaluate the best weights of a training run: accuracy, confusion matrix, recall.

    \b
    Examples:
      archlab evaluate runs/residual-fast-seed0
      archlab evaluate runs/residual-fast-seed0 --data my_images --format json
    """
    form = read_format(form, output)
    check_output(output)
    from archlab.report.training import evaluation_report
    from archlab.training import evaluate

    found = evaluate(run, data, split)
    write(evaluation_report(found), found.to_dict, form, output)
