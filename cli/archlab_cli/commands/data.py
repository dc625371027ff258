from __future__ import annotations

from pathlib import Path

import click

from archlab.errors import UsageError, did_you_mean
from archlab_cli.options import (
    check_output,
    counter,
    format_option,
    note,
    output_option,
    read_format,
    write,
)


class _Parts(click.Group):
    """The subcommands of `archlab data`; the error for an unknown one names the closest."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        known = self.list_commands(ctx)
        if args and not args[0].startswith("-") and args[0] not in known:
            raise UsageError(f"no command {f'data {args[0]}'!r}: {did_you_mean(args[0], known)}")
        return super().resolve_command(ctx, args)


@click.group("data", cls=_Parts, no_args_is_help=False, invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> None:
    """Download, inspect or generate training images.

    Data is a folder of class folders, optionally inside train, validation and test; or 'shapes', the synthetic data set
    of cats and dogs, which needs no download.

    \b
    Examples:
      archlab data fetch cats_vs_dogs
      archlab data show cats_vs_dogs
      archlab data draw shapes --to shapes
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def _complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    from archlab.data import ARCHIVES

    return [name for name in ARCHIVES if name.startswith(incomplete)]


@command.command("fetch")
@click.argument("name", shell_complete=_complete)
@click.option("--full", is_flag=True, help="Use all images: those outside the lecture's splits are for training.")
@click.option(
    "--to", type=click.Path(path_type=Path), metavar="DIR", help="The folder to create.  [default: the data set's name]"
)
@click.option(
    "--archive",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Use a local copy of the archive instead of a download.",
)
def fetch(name: str, full: bool, to: Path | None, archive: Path | None) -> None:
    """Download images into class folders in train, validation and test.

    cats_vs_dogs is Microsoft's archive of 25,000 images (0.8 GB), verified by its SHA-256. As in the lecture, images 0
    to 999 of each class are for training, 1000 to 1499 for validation, 1500 to 2499 for test. Images that cannot be
    decoded are skipped and listed. An interrupted download resumes when the command is run again.

    \b
    Examples:
      archlab data fetch cats_vs_dogs
      archlab data fetch cats_vs_dogs --full --to all_cats_vs_dogs
      archlab data fetch cats_vs_dogs --archive kagglecatsanddogs_5340.zip
    """
    from archlab import data

    with counter() as progress:
        folder = data.fetch(name, to or Path(name), full, progress, archive=archive, note=note)
    note(f"written to {folder}")


@command.command("show")
@click.argument("source")
@format_option
@output_option
def show(source: str, form: str | None, output: Path | None) -> None:
    """Show the number of images by class and split, and the skipped files.

    Every image is decoded once. Empty and damaged files, files that are not images, and duplicates of images in another
    split are skipped.

    \b
    Examples:
      archlab data show cats_vs_dogs
      archlab data show cats_vs_dogs --format json --output data.json
      archlab data show shapes:train=400,seed=2
    """
    form = read_format(form, output)
    check_output(output)
    from archlab.data import survey
    from archlab.report.data import data_report

    with counter() as progress:
        found = survey(source, progress)
    write(data_report(found), lambda: {"schema": 1, **found.to_dict()}, form, output)


@command.command("draw")
@click.argument("source")
@click.option(
    "--to", type=click.Path(path_type=Path), metavar="DIR", help="The folder to create.  [default: the data set's name]"
)
def draw(source: str, to: Path | None) -> None:
    """Write the synthetic data set 'shapes' as PNG files in class folders.

    Arguments: train, validation and test (numbers of images), size (height and width in px), seed.

    \b
    Examples:
      archlab data draw shapes
      archlab data draw shapes:train=20,validation=10,test=10,size=256,seed=7 --to synthetic
    """
    from archlab import data

    if not data.is_shapes(source):
        raise UsageError(f"{source} is not a synthetic data set: {did_you_mean(source, ('shapes',))}")
    with counter() as progress:
        folder = data.write_shapes(source, to or Path("shapes"), progress)
    note(f"written to {folder}")
