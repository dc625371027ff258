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
    show_default=True,
    metavar="ENGINE",
    help="local: one trial after another in this process; ray: on a Ray cluster.",
)
@click.option(
    "--address",
    metavar="HOST:PORT",
    help="Of a running Ray cluster, or auto.  [default: start Ray on this machine]",
)
@click.option("--dry-run", is_flag=True, help="Check the plan and list its trials, without running them.")
@format_option
@output_option
def command(plan: Path, engine: str, address: str | None, dry_run: bool, form: str | None, output: Path | None) -> None:
    """Train architectures × recipes × seeds by a plan, and compare the results.

    PLAN is a YAML file:

    \b
      architectures: [residual, {name: no shortcuts, reference: plain}, net.yaml]
      recipes: [lecture, {name: small, base: lecture, set: {epochs: 3, input: 96}}]
      seeds: 3

    Every trial has its own folder. Finished trials are not run again: the same command resumes an interrupted
    experiment and retries failed trials. A failed trial does not stop the others; the exit code is then 1.

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
        raise UsageError("--address: only for --engine ray")
    check_output(output)
    from archlab import experiments
    from archlab.report.experiment import experiment_report, plan_report
    from archlab_cli.trials import growing, redirected

    found = experiments.read_plan(plan)
    if dry_run:
        experiments.check(found, experiments.Checks())
        report, data = plan_report(found, experiments.finished_trials(found))
        write(report, lambda: data, form, output)
        return
    ended: list[str] = []

    def on_result(outcome: experiments.Outcome) -> None:
        ended.extend([outcome.spec.folder] * (outcome.summary is not None))
        show(outcome)

    # On a terminal the final table replaces the growing one.
    stays = output is not None or form != "table" or not sys.stdout.isatty()
    quiet = redirected(found.output / "ray.log") if engine == "ray" else nullcontext(sys.stderr)
    try:
        with quiet as stream, growing(found, stream, stays) as show:
            results = experiments.run(found, engine=engine, address=address, on_result=on_result)
    except KeyboardInterrupt:
        total = len(found.trials())
        note(f"{len(ended)} of {total} trials are finished, in {found.output}: run the command again to resume")
        raise
    write(experiment_report(results), results.to_dict, form, output)
    if results.failed:
        click.get_current_context().exit(1)
