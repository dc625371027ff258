from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archlab.errors import UsageError
from archlab_cli.options import (
    as_text,
    check_data,
    check_output,
    choose_format,
    complete_reference,
    deliver,
    lambda_option,
    note,
    output_option,
    read_range,
    read_size,
    size_option,
)

if TYPE_CHECKING:
    from archlab.graph import Part
    from archlab.lint import Config, Context, Findings, Fixed, Rule, Rules, Severity, Task

_FORMATS = ("text", "markdown", "json", "sarif", "github")
_BY_SUFFIX = {".json": "json", ".sarif": "sarif", ".md": "markdown"}


@click.command("lint")
@click.argument("references", nargs=-1, shell_complete=complete_reference)
@click.option("--loss", metavar="NAME", help="The Keras loss, such as mse.  [default: the compiled one]")
@click.option("--task", metavar="TASK", help="binary, classes:N, labels:N, regression or regression:LOW:HIGH.")
@click.option("--data", metavar="DIR", help="A folder of class folders, whose classes are the task.")
@click.option("--metrics", metavar="NAMES", help="Metrics, with commas between.  [default: the compiled ones]")
@click.option("--optimizer", metavar="NAME", help="sgd or adam.  [default: the compiled one]")
@click.option("--learning-rate", type=float, metavar="RATE", help="At the first step.  [default: the compiled one]")
@click.option("--input-range", metavar="LOW:HIGH", help="Lowest and highest value of the input, as in 0:255.")
@size_option
@click.option("--select", metavar="CODES", help="Rules to ask: codes, beginnings, names or ALL, with commas between.")
@click.option("--ignore", metavar="CODES", help="Rules to leave out, in the same way.")
@click.option("--severity", metavar="LEVEL", help="The least to report: error, warning or info.  [default: warning]")
@click.option("--fail-on", metavar="LEVEL", help="Exit with 1 from this severity on, or never.  [default: warning]")
@click.option("--explain", metavar="CODE", help="Print the page of a rule, by code or name; or `list`, all rules.")
@click.option(
    "--fix", "mend", is_flag=True, help="Mend what can be: rewrites YAML, prints the change of anything else."
)
@click.option("--rules", "files", multiple=True, metavar="FILE.py", help="Rules of your own.")
@click.option("--isolated", is_flag=True, help="Read no pyproject.toml.")
@lambda_option
@click.option("--format", "-f", "form", metavar="FORMAT", help=f"{', '.join(_FORMATS)}.  [default: text]")
@output_option
def command(
    references: tuple[str, ...],
    loss: str | None,
    task: str | None,
    data: str | None,
    metrics: str | None,
    optimizer: str | None,
    learning_rate: float | None,
    input_range: str | None,
    size: str | None,
    select: str | None,
    ignore: str | None,
    severity: str | None,
    fail_on: str | None,
    explain: str | None,
    mend: bool,
    files: tuple[str, ...],
    isolated: bool,
    allow_lambda: bool,
    form: str | None,
    output: Path | None,
) -> None:
    """What is wrong with architectures, how much it matters, and what to change.

    Rules look at the architecture, at what a Keras model is compiled with, and at the task, as far as they are known:
    what is not known is not judged. Each finding rests on a proof or on a number of this architecture. Settings are
    read from [tool.archlab.lint] in pyproject.toml; options go before them.

    \b
    Examples:
      archlab lint baseline residual
      archlab lint model.keras --task classes:10 --format github
      archlab lint net.yaml --loss categorical_crossentropy --fix
      archlab lint vgg16 --select ALL --ignore T --severity info
      archlab lint --explain A302
    """
    from archlab.lint import (
        Choice,
        Config,
        Findings,
        at_least,
        find_config,
        findings_of,
        read_severity,
        read_task,
        with_files,
    )

    config = Config() if isolated else find_config()
    rules = with_files([*_beside(config), *files])
    if explain is not None:
        deliver(_explained(rules, explain), output)
        return
    if not references:
        raise UsageError("name at least one architecture, such as residual, net.yaml or model.keras; or --explain CODE")
    form = choose_format(form, output, _FORMATS, _BY_SUFFIX)
    least = read_severity(severity or config.text("severity") or "warning")
    limit = fail_on or config.text("fail-on") or "warning"
    fails = None if limit == "never" else read_severity(limit)
    if mend and form != "text":
        raise UsageError(f"--fix: is told as text, not as {form}")
    choice = Choice(
        _listed(select) or config.listed("select"), _listed(ignore) or config.listed("ignore"), config.layers
    )
    asked = choice.rules(rules)
    check_output(output)
    purpose = _task(data) if data is not None else read_task(task or config.text("task"))
    contexts = _contexts(
        references,
        config,
        (loss, metrics, optimizer, learning_rate),
        purpose,
        read_range(input_range or config.text("input-range")),
        read_size(size),
        allow_lambda,
        least,
    )
    left: list[Severity]
    if mend:
        from archlab.lint import fixed

        changes = [fixed(context, tree, asked, choice) for context, tree in contexts]
        deliver("\n\n".join(_mended(*each) for each in zip(references, changes, strict=True)), output)
        left = [finding.severity for each in changes for finding in each.left]
    else:
        each_found = [finding for context, _ in contexts for finding in findings_of(context, asked, choice)]
        found = Findings.of(each_found, [context.name for context, _ in contexts])
        deliver(_written(found, asked, references, form, output), output)
        left = [finding.severity for finding in found]
    if fails is not None and any(at_least(each, fails) for each in left):
        click.get_current_context().exit(1)


def _contexts(
    references: Sequence[str],
    config: Config,
    compiled: tuple[str | None, str | None, str | None, float | None],
    task: Task | None,
    pixels: tuple[float, float] | None,
    shape: tuple[int | None, ...] | None,
    allow_lambda: bool,
    least: Severity,
) -> list[tuple[Context, Part | None]]:
    from archlab.lint import compile_options, context_and_tree, named_contexts_apart

    loss, metrics, optimizer, rate = compiled
    told = compile_options(
        loss or config.text("loss"),
        _listed(metrics) or config.listed("metrics"),
        optimizer or config.text("optimizer") or "",
        rate if rate is not None else config.number("learning-rate"),
    )
    found = [context_and_tree(each, told, task, pixels, shape, allow_lambda) for each in references]
    return [(replace(context, least=least), tree) for context, tree in named_contexts_apart(found)]


def _written(found: Findings, rules: Sequence[Rule], references: Sequence[str], form: str, output: Path | None) -> str:
    from archlab.lint import place_of
    from archlab.report import to_json, to_markdown
    from archlab.report.lint import github, lint_report, lint_table, sarif

    if form == "text":
        report = lint_report(found, found.names)
        return as_text(report, output)
    if form == "markdown":
        return to_markdown(lint_table(found, found.names))
    if form == "json":
        return to_json({"schema": 1, "architectures": list(found.names), "findings": found.to_dict()})
    places = {name: place_of(reference) for name, reference in zip(found.names, references, strict=True)}
    if form == "github":
        return github(found, places)
    from importlib.metadata import version

    return to_json(sarif(found, rules, places, version("archlab")))


def _mended(reference: str, change: Fixed) -> str:
    """What was mended: YAML is rewritten; of anything else the change is told, and code that makes the mended one."""
    from archlab.diffing import diff
    from archlab.export import to_python
    from archlab.report.lint import lint_report

    if not change.changed:
        parts = [f"{change.name}: nothing to mend."]
    else:
        count = len(change.mended)
        parts = [f"{change.name}: mended {count} finding{'s' if count > 1 else ''}."]
        parts += [f"  {line}" for line in change.lines]
        if change.tree is not None and reference.endswith((".yaml", ".yml")):
            _rewrite(Path(reference), change)
        elif change.tree is not None:
            parts += ["", "The mended architecture:", "", f"net = {change.tree!r}"]
        elif not reference.endswith(".keras"):
            parts += ["", "The mended architecture:", "", to_python(change.after).rstrip()]
        parts += ["", as_text(diff(change.before, change.after).report())]
    if change.left:
        parts += ["", as_text(lint_report(change.left, [change.name]))]
    return "\n".join(parts)


def _rewrite(path: Path, change: Fixed) -> None:
    from archlab.files import write_text
    from archlab.notation import read_document, write_yaml

    assert change.tree is not None
    text = path.read_text(encoding="utf-8")
    document = read_document(text, str(path))
    write_text(path, write_yaml(change.tree, document.name, document.paper))
    lost = " (its comments are gone)" if "#" in text else ""
    note(f"written to {path}{lost}")


def _explained(rules: Rules, code: str) -> str:
    if code == "list":
        lines = [f"{rule.code}  {rule.name}  {rule.severity}{'' if rule.on else ', off'}  {rule.summary}" for rule in
                 rules.values()]  # fmt: skip
        return "\n".join(lines)
    rule = rules.named(code)
    head = f"{rule.code} {rule.name} ({rule.severity}{'' if rule.on else '; off by default'}; {rule.group})"
    mends = "Can be mended with --fix." if rule.fixes else ""
    return "\n\n".join(filter(None, (head, rule.manual, f"Source: {rule.source}." if rule.source else "", mends)))


def _listed(text: str | None) -> tuple[str, ...]:
    return tuple(each.strip() for each in text.split(",") if each.strip()) if text else ()


def _beside(config: Config) -> list[Path]:
    """Files of rules that a pyproject.toml names, which stand beside it."""
    return [config.path.parent / each for each in config.listed("rules")] if config.path else []


def _task(data: str) -> Task:
    """The task of a folder of class folders."""
    from archlab.data import survey
    from archlab.lint import read_task

    check_data(data)
    classes = len(survey(data).classes)
    task = read_task("binary" if classes == 2 else f"classes:{classes}")
    assert task is not None
    return task
