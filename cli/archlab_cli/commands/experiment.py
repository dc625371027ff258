from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path

import click

from archlab.errors import UsageError, did_you_mean
from archlab_cli.options import check_output, format_option, note, output_option, read_format, write

_ENGINES = ("local", "ray")


@click.command("experiment")
@click.argument("plan", type=click.Path(path_type=Path))
@click.option(
    "--engine",
    default="local",
    metavar="ENGINE",
    help="local (unless given): one trial after another in this process; ray: on a Ray cluster.",
)
@click.option(
    "--address",
    metavar="HOST:PORT",
    help="Of a running Ray cluster, or auto; without it Ray is started on this machine.",
)
@click.option("--dry-run", is_flag=True, help="Check the plan and list its trials; run none.")
@format_option
@output_option
def command(plan: Path, engine: str, address: str | None, dry_run: bool, form: str | None, output: Path | None) -> None:
    """Train architectures under recipes and seeds by a plan, and say what the results allow.

    PLAN is a YAML file:

    \b
      architectures: [residual, {name: no shortcuts, reference: plain}, net.yaml]
      recipes: [lecture, {name: small, base: lecture, set: {epochs: 3, input: 96}}]
      seeds: 3

    Every trial has a folder of its own. One that is finished is never run again: the same command goes on after an
    interruption, and runs what failed once more. A trial that fails stops no other; exit code 1 says that one did.

    \b
    Examples:
      archlab experiment ablation.yaml
      archlab experiment ablation.yaml --dry-run
      archlab experiment ablation.yaml --engine ray --address 10.0.0.1:6379
      archlab experiment ablation.yaml --output ablation.md
    """
    form = read_format(form, output)
    if engine not in _ENGINES:
        raise UsageError(f"--engine {engine}: {did_you_mean(engine, _ENGINES)}")
    if address is not None and engine != "ray":
        raise UsageError("--address: is that of a Ray cluster, for --engine ray")
    check_output(output)
    from archlab.report.experiment import experiment_report, plan_report
    from archlab.training import experiments
    from archlab_cli.trials import apart, growing

    found = experiments.read_plan(plan)
    if dry_run:
        experiments.check(found, experiments.Checks())
        report, data = plan_report(found, experiments.kept(found))
        write(report, lambda: data, form, output)
        return
    ended: list[str] = []

    def told(outcome: experiments.Outcome) -> None:
        ended.extend([outcome.spec.folder] * (outcome.summary is not None))
        tell(outcome)

    # On a terminal the final table takes the place of the growing one.
    stays = output is not None or form != "table" or not sys.stdout.isatty()
    quiet = apart(found.output / "ray.log") if engine == "ray" else nullcontext(sys.stderr)
    try:
        with quiet as stream, growing(found, stream, stays) as tell:
            results = experiments.run(found, engine=engine, address=address, on_result=told)
    except KeyboardInterrupt:
        total = len(found.trials())
        note(f"{len(ended)} of {total} trials are finished, in {found.output}: the same command goes on with the rest")
        raise
    write(experiment_report(results), results.to_dict, form, output)
    if results.failed:
        click.get_current_context().exit(1)
