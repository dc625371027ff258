from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archlab.analysis import Result, analyze
from archlab.errors import UsageError
from archlab.lint.budgets import limited, read_limit
from archlab_cli.options import (
    as_text,
    check_output,
    choose_format,
    complete_reference,
    deliver,
    lambda_option,
    output_option,
    read_size,
    size_option,
)

if TYPE_CHECKING:
    from archlab.lint import Config, Findings
    from archlab.lint.budgets import Verdict

_FORMATS = ("text", "markdown", "json", "github")
_BY_SUFFIX = {".json": "json", ".md": "markdown"}
_OWN = ("baseline", "tolerance", "lint")


def _limits(command: Callable[..., None]) -> Callable[..., None]:
    """An option for each limit on a quantity, from above and from below."""
    for quantity in reversed(limited()):
        for side, word in (("min", "At least"), ("max", "At most")):
            names = [f"--{side}-{name.replace('_', '-')}" for name in (quantity.option, *quantity.aliases)]
            option = click.option(
                *names, f"{side}_{quantity.name}", metavar="N", help=f"{word}: {quantity.label.lower()}."
            )
            command = option(command)
    return command


@click.command("check")
@click.argument("references", nargs=-1, shell_complete=complete_reference)
@_limits
@click.option("--lint", "linted", is_flag=True, help="Fail on findings of lint too, by its own settings.")
@click.option("--baseline", metavar="FILE.json", help="Fail where a quantity grew against this comparison.")
@click.option("--tolerance", metavar="SHARE", help="By how much it may grow, as in 1%.  [default: 0%]")
@size_option
@click.option("--isolated", is_flag=True, help="Read no pyproject.toml.")
@lambda_option
@click.option("--format", "-f", "form", metavar="FORMAT", help=f"{', '.join(_FORMATS)}.  [default: text]")
@output_option
def command(
    references: tuple[str, ...],
    linted: bool,
    baseline: str | None,
    tolerance: str | None,
    size: str | None,
    isolated: bool,
    allow_lambda: bool,
    form: str | None,
    output: Path | None,
    **limits: str | None,
) -> None:
    """Hold architectures to a budget: limits on any quantity, and no growth against a baseline.

    Without a reference every model of [tool.archlab.models] in pyproject.toml is checked, each by its own limits.
    Where a limit is broken the layers that take most are named, and the exit code is 1.

    \b
    Examples:
      archlab check model.keras --max-params 1M --max-macs 300M --max-memory 64MiB --lint
      archlab check residual --min-receptive-field 100
      archlab compare residual --static -o main.json
      archlab check residual --baseline main.json --tolerance 1%
    """
    from archlab.lint import Config, find_config
    from archlab.lint.budgets import check_baseline, check_limits, read_baseline
    from archlab.sources import load

    config = Config() if isolated else find_config()
    form = choose_format(form, output, _FORMATS, _BY_SUFFIX)
    asked = [read_limit(option.replace("_", "-", 1), text) for option, text in _told(limits)]
    names = references or tuple(config.models)
    if not names:
        raise UsageError(
            "name at least one architecture, such as residual or model.keras; or list them in pyproject.toml under "
            '[tool.archlab.models."model.keras"]'
        )
    before = read_baseline(baseline) if baseline is not None else None
    growth = _share(tolerance)
    shape = read_size(size)
    check_output(output)
    verdicts: list[Verdict] = []
    finds: list[Findings] = []
    places: dict[str, str] = {}
    for reference in names:
        found = load(reference, shape, allow_lambda=allow_lambda)
        own = config.models.get(reference, {})
        mine = asked or [read_limit(key, text) for key, text in own.items() if key not in _OWN]
        result = Result(found, analyze(found.graph))
        places[result.name] = reference
        verdicts += check_limits(result, mine)
        if before is not None:
            verdicts += check_baseline(result, before, growth)
        elif "baseline" in own and config.path is not None:
            file = config.path.parent / own["baseline"]
            verdicts += check_baseline(result, read_baseline(file), _share(own.get("tolerance", tolerance)))
        if linted or own.get("lint", "").lower() == "true":
            finds.append(_linted(reference, config, shape, allow_lambda))
    if not verdicts and not finds:
        raise UsageError("give a limit, such as --max-params 1M, --baseline FILE.json or --lint")
    deliver(_written(verdicts, finds, places, form, output), output)
    if any(not each.kept for each in verdicts) or any(finds):
        click.get_current_context().exit(1)


def _told(limits: dict[str, str | None]) -> list[tuple[str, str]]:
    return [(name, text) for name, text in limits.items() if text is not None]


def _linted(reference: str, config: Config, shape: tuple[int | None, ...] | None, allow_lambda: bool) -> Findings:
    from archlab.lint import lint

    return lint(
        reference,
        config.text("loss"),
        config.text("task"),
        metrics=config.listed("metrics"),
        select=config.listed("select"),
        ignore=config.listed("ignore"),
        per_layer_ignores=config.layers,
        input=shape,
        allow_lambda=allow_lambda,
    )


def _written(
    verdicts: Sequence[Verdict], finds: Sequence[Findings], places: dict[str, str], form: str, output: Path | None
) -> str:
    from archlab.lint import place_of
    from archlab.report import Report, to_json, to_markdown
    from archlab.report.lint import check_report, github, github_limits, lint_report, lint_table

    found = [each for findings in finds for each in findings]
    names = [name for findings in finds for name in findings.names]
    if form == "json":
        data: dict[str, object] = {"schema": 1, "limits": [each.to_dict() for each in verdicts]}
        return to_json(data | ({"findings": [each.to_dict() for each in found]} if finds else {}))
    if form == "github":
        where = {name: place_of(reference) for name, reference in places.items()}
        return "\n".join(filter(None, (github_limits(verdicts, where), github(found, where))))
    limits = check_report(verdicts).parts if verdicts else ()
    if form == "markdown":
        return to_markdown(Report((*limits, *(lint_table(found, names).parts if finds else ()))))
    report = Report((*limits, *(lint_report(found, names).parts if finds else ())))
    return as_text(report, output)


def _share(text: str | None) -> float:
    if text is None:
        return 0.0
    try:
        number = float(text.strip().removesuffix("%")) / (100 if text.strip().endswith("%") else 1)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise UsageError(f"--tolerance {text}: expected a share, such as 1% or 0.01")
    return number
