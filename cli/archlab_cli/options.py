"""Options that several commands share, and how a result reaches its reader."""

from __future__ import annotations

import itertools
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from archlab import parsing
from archlab.errors import ArchlabError, OutputError, UsageError, did_you_mean
from archlab.text import printable
from archlab_cli.completion import complete_reference, completed

if TYPE_CHECKING:
    from archlab.charts import Chart
    from archlab.report import Report
    from archlab.report._parts import Part

Command: TypeAlias = Callable[..., Any]

FORMATS = ("table", "markdown", "latex", "json", "csv", "html")
_BY_SUFFIX = {".md": "markdown", ".markdown": "markdown", ".tex": "latex", ".json": "json", ".csv": "csv",
              ".txt": "table", ".html": "html", ".htm": "html"}  # fmt: skip

_NO_FORMAT = ("", ".txt", ".log", ".out")
_OTHER_KINDS = {".pdf", ".png", ".svg", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff", ".eps", ".ps",
                ".keras", ".h5", ".onnx", ".pt", ".pth", ".pb", ".tflite", ".npz", ".xlsx", ".xls", ".docx", ".pptx",
                ".zip", ".gz"}  # fmt: skip

reference = click.argument("reference", shell_complete=complete_reference)
references = click.argument("references", nargs=-1, required=True, shell_complete=complete_reference)
size_option = click.option(
    "--input", "size", metavar="HxW[xC]", help="Input size: 96x96, 96x96x3; ? for an unknown size."
)
lambda_option = click.option(
    "--allow-lambda",
    is_flag=True,
    help="Load .keras files that hold lambdas: their code runs. Only for files you trust.",
)
data_option = click.option(
    "--data",
    metavar="DIR|shapes",
    help="Measure on images: a folder of class folders, or `shapes`, the synthetic data set.",
)
_format_option = click.option(
    "--format",
    "-f",
    "form",
    metavar="FORMAT",
    help=f"{', '.join(FORMATS)}; by --output's suffix.  [default: table]",
    shell_complete=completed(FORMATS),
)


def wide_option(command: Command) -> Command:
    """`--wide`, which no command reads: `width` does."""
    return click.option(
        "--wide",
        is_flag=True,
        expose_value=False,
        callback=_remember,
        help="Show all columns of tables, however wide.",
    )(command)


def _remember(ctx: click.Context, param: click.Parameter, given: bool) -> None:
    # Given before the command's name, it holds too.
    key = f"archlab.{param.name}"
    ctx.meta[key] = given or ctx.meta.get(key, False)


def common_options() -> list[click.Option]:
    """Options that every command has, and the program itself."""
    quiet = click.Option(
        ["--quiet", "-q"], is_flag=True, expose_value=False, callback=_remember, help="No progress and no notes."
    )
    verbose = click.Option(
        ["--verbose", "-v"],
        is_flag=True,
        expose_value=False,
        callback=_remember,
        help="Versions, times, and where an error comes from.",
    )
    return [quiet, verbose]


def format_option(command: Command) -> Command:
    """`--format`, and what the format of a table leaves open."""
    return _format_option(wide_option(command))


class _NewFile(click.Path):
    """A file to write; a path that ends in a slash is a folder, which `Path` forgets."""

    def convert(
        self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> str | bytes | os.PathLike[str]:
        if os.fspath(value).endswith(("/", os.sep)):
            raise OutputError(f"--output {value}: is a folder, name a file in it, such as {value}comparison.json")
        return super().convert(value, param, ctx)


output_option = click.option(
    "--output",
    "-o",
    type=_NewFile(path_type=Path),
    metavar="FILE",
    help="Write to this file, not to standard output.",
)


plot_option = click.option(
    "--plot", type=click.Path(path_type=Path), metavar="FILE", help="Draw the curves: an .svg, .png or .html file."
)
_PLOTS = (".svg", ".png", ".html")


settings_option = click.option(
    "--set", "settings", multiple=True, metavar="FIELD=VALUE", help="Override a field of the recipe."
)


def read_settings(texts: tuple[str, ...]) -> dict[str, object]:
    """`lr=0.003` as a mapping."""
    found: dict[str, Any] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not (key.strip() and equals and value.strip()):
            raise UsageError(f"--set {text}: expected FIELD=VALUE, as in lr=0.003")
        found[key.strip()] = value.strip()
    return found


def read_size(text: str | None) -> tuple[int | None, ...] | None:
    """`--input 96x96x3` as a shape."""
    return None if text is None else parsing.read_size(text, "--input")


def read_range(text: str | None) -> tuple[float, float] | None:
    """`--input-range 0:255` as two numbers."""
    if text is None:
        return None
    low, colon, high = text.partition(":")
    try:
        found = float(low), float(high)
    except ValueError:
        found = None
    if not colon or found is None or not found[0] < found[1] < float("inf") or found[0] == -float("inf"):
        raise UsageError(f"--input-range {text}: expected LOW:HIGH, as in 0:255")
    return found


def trusted(reference: str, allow_lambda: bool) -> Any:
    """What a command hands on: the reference, or what it names where lambdas in it may be loaded."""
    if not allow_lambda:
        return reference
    from archlab.sources import load

    return load(reference, allow_lambda=True)


def check_data(data: str | None) -> None:
    """Refuse a data set that does not exist, before anything is loaded or built."""
    if data is None:
        return
    from archlab.data import check_source

    try:
        check_source(data)
    except ArchlabError as error:
        raise type(error)(f"--data {error}") from None


def check_counts(**counts: int | None) -> None:
    """Refuse numbers of what there must be one of at least, each given by its option's name."""
    for name, number in counts.items():
        if number is not None and number < 1:
            raise UsageError(f"--{name} {number}: at least 1 is needed")


def read_format(asked: str | None, output: Path | None, pictures: Sequence[str] = ()) -> str:
    """The format asked for, or the one that goes with the file's suffix."""
    return choose_format(asked, output, FORMATS, _BY_SUFFIX, pictures)


def choose_format(
    asked: str | None,
    output: Path | None,
    formats: Sequence[str],
    by_suffix: Mapping[str, str],
    pictures: Sequence[str] = (),
) -> str:
    """One of a command's `formats`, the first by default: the one asked for, or what the suffix of `output` stands for.

    `pictures` are the suffixes that the command writes without a format.

    Raises:
        UsageError: there is no such format, or the suffix is of a kind of file that this is not.
    """
    if asked is not None and asked not in formats:
        raise UsageError(f"--format {asked}: {did_you_mean(asked, formats)}")
    suffix = output.suffix.lower() if output else ""
    if asked is None and suffix in by_suffix:
        return by_suffix[suffix]
    # Text may be called anything if its format is asked for; a picture or a model it is under no name.
    if suffix in _OTHER_KINDS or (asked is None and suffix not in _NO_FORMAT):
        known = ", ".join((*by_suffix, *pictures))
        other = "" if suffix in _OTHER_KINDS else ", or give --format"
        raise UsageError(f"--output {output}: a '{suffix}' file cannot be written here: choose from {known}{other}")
    return formats[0] if asked is None else asked


def check_output(output: Path | None) -> None:
    """Refuse a file that cannot be written, before any work is done for it."""
    if output is None:
        return
    if output.is_dir():
        raise OutputError(f"--output {output}: is a folder, name a file in it, such as {output / 'comparison.json'}")
    if not output.parent.is_dir():
        raise OutputError(f"--output {output}: there is no folder {output.parent}")
    if not os.access(output if output.exists() else output.parent, os.W_OK):
        raise OutputError(f"--output {output}: cannot be written, permission denied")


def check_plot(plot: Path | None) -> None:
    """Refuse a chart's file that cannot be written, or whose suffix names no format."""
    if plot is None:
        return
    if plot.suffix.lower() not in _PLOTS:
        raise UsageError(f"--plot {plot}: give it a suffix, {', '.join(_PLOTS)}")
    try:
        check_output(plot)
    except OutputError as error:
        raise OutputError(str(error).replace("--output", "--plot", 1)) from None


def deliver(text: str, output: Path | None) -> None:
    """Hand a result over: to standard output, or to a file that is replaced whole or not at all."""
    if not text.endswith("\n"):
        text += "\n"
    if output is None:
        sys.stdout.write(text)
        sys.stdout.flush()
    else:
        deliver_file(lambda path: path.write_text(text, encoding="utf-8"), output)


def deliver_file(write: Callable[[Path], object], output: Path) -> None:
    """Have a file written beside `output`, which it then replaces: whole or not at all."""
    from archlab.files import write_whole

    try:
        write_whole(output, write)
    except OutputError as error:
        raise OutputError(f"--output {error}") from error
    note(f"written to {output}")


def deliver_chart(chart: Chart, output: Path) -> None:
    """Have a chart written to a file, by its suffix: whole or not at all."""
    from archlab.charts import save  # loads Altair, which few commands need

    deliver_file(lambda path: save(chart, path), output)


def note(text: str) -> None:
    """A word that is no result: to standard error, unless --quiet."""
    if not _asked("quiet"):
        print(printable(text), file=sys.stderr)


def _asked(option: str) -> bool:
    """Whether an option of every command was given."""
    context = click.get_current_context(silent=True)
    return context is not None and bool(context.meta.get(f"archlab.{option}"))


def width() -> int | None:
    """Columns of the terminal; None where standard output is no terminal, or all columns of a table were asked for."""
    if _asked("wide"):
        return None
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def color() -> bool:
    """Whether standard output is to be coloured: no-color.org, force-color.org, and a terminal that can."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return sys.stdout.isatty() and os.environ.get("TERM", "") not in ("", "dumb")


def as_text(report: Report | tuple[Part, ...], output: Path | None = None) -> str:
    """A report for the terminal it is read on, or for a file."""
    from archlab.report import to_text

    return to_text(report) if output else to_text(report, width(), ascii_only(), color())


def ascii_only() -> bool:
    """Whether standard output cannot show more than ASCII."""
    try:
        "▁×→".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return True
    return False


def command_line() -> str:
    """What was typed, as a shell would take it again."""
    return shlex.join(["archlab", *(click.get_current_context().find_root().obj or ())])


def write(
    report: Report, data: Callable[[], Any], form: str, output: Path | None, page: Callable[[], str] | None = None
) -> None:
    """Write a result in the form asked for; `page` makes a page of its own, where it has one."""
    from archlab.report import to_csv, to_json, to_latex, to_markdown

    renderers: Mapping[str, Callable[[Report], str]] = {"csv": to_csv, "latex": to_latex, "markdown": to_markdown}
    if form == "json":
        deliver(to_json(data()), output)
    elif form in renderers:
        deliver(renderers[form](report), output)
    elif form == "html":
        deliver(page() if page else _page(report), output)
    else:
        deliver(as_text(report, output), output)


def _page(report: Report) -> str:
    from archlab.report.html import to_html

    # The title is the command as far as it names what is shown; options stand in the provenance.
    words = click.get_current_context().find_root().obj or ()
    title = itertools.takewhile(lambda word: not word.startswith("-"), words)
    return to_html(report, " ".join(title) or "archlab", command_line())


def _watched() -> bool:
    """Whether progress is shown: on a terminal, unless --quiet."""
    return sys.stderr.isatty() and not _asked("quiet")


def _plain_text(form: str) -> Any:
    """A column of a progress bar; no name in it is read as markup."""
    from rich.progress import TextColumn

    return TextColumn(form, markup=False)


@contextmanager
def progress(total: int) -> Iterator[Callable[[str], None]]:
    """A progress bar on standard error; silent where that is no terminal."""
    if not _watched():
        yield lambda word: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), _plain_text("{task.description}"), BarColumn(bar_width=20), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True, emoji=False), transient=True) as bar:
        task = bar.add_task("loading TensorFlow", total=total)

        def step(word: str) -> None:
            bar.update(task, advance=1, description=word)

        yield step


class TrainingWatch:
    """What is shown of training runs on standard error: a line per epoch, and on a terminal a bar.

    Args:
        say: writes a line.
        bar: shows (description, done, total, words) while something runs.
    """

    def __init__(self, say: Callable[[str], None], bar: Callable[[str, int, int | None, str], None]):
        self._say, self._bar = say, bar
        self._headed = False

    def stage(self, word: str) -> None:
        """What begins before the first step or after the last one."""
        self._bar(word, 0, None, "")

    def step(self, step: Any, name: str = "") -> None:
        """The progress of a run; with several runs, of the run of that name."""
        from archlab.units import format_seconds

        if step.record:
            if not self._headed:
                self._say("loss and accuracy of each epoch: training / validation")
                self._headed = True
            self._say(epoch_line(step, name))
        words = f"{step.images_per_second:.0f} images/s, {format_seconds(step.seconds_left)} left with the test"
        self._bar(f"{name}{': ' if name else ''}epoch {step.epoch}/{step.epochs}", step.step, step.steps, words)


@contextmanager
def training_progress() -> Iterator[TrainingWatch]:
    """A progress bar of a training run and a line per epoch, on standard error."""
    if not _watched():
        yield TrainingWatch(note, lambda *_: None)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress

    columns = (_plain_text("{task.description}"), BarColumn(bar_width=20), _plain_text("{task.fields[word]}"))
    console = Console(stderr=True, highlight=False, emoji=False)
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("starting", total=None, word="")

        def show(described: str, done: int, total: int | None, words: str) -> None:
            if total is None:
                bar.reset(task, total=None, description=described, word=words)
            else:
                bar.update(task, description=described, total=total, completed=done, word=words)

        yield TrainingWatch(lambda line: bar.console.print(line, markup=False), show)


_LINE = 80


def epoch_line(step: Any, name: str = "") -> str:
    """An epoch in one line: of 80 columns where the name leaves room, without time and speed where it does not."""
    from archlab.units import format_seconds

    record = step.record
    loss, accuracy = (
        [None if value is None else f"{value:.3f}" for value in pair]
        for pair in ((record.loss, record.val_loss), (record.accuracy, record.val_accuracy))
    )
    width = len(str(step.epochs))
    start = f"{name}{'  ' if name else ''}epoch {step.epoch:{width}}/{step.epochs}"
    values = [f"{what} {' / '.join(filter(None, pair))}" for what, pair in (("loss", loss), ("accuracy", accuracy))]
    line = "  ".join((start, *values))
    for more in (f"  {format_seconds(record.elapsed)}", f"  {record.images_per_second:.0f} images/s"):
        if len(line + more) > _LINE:
            break
        line += more
    return line


@contextmanager
def counter() -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar for work in named steps, each with the amount done and the total."""
    if not _watched():
        yield lambda word, done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TimeRemainingColumn

    columns = (SpinnerColumn(), _plain_text("{task.description}"), BarColumn(bar_width=20))
    with Progress(
        *columns, MofNCompleteColumn(), TimeRemainingColumn(), console=Console(stderr=True, emoji=False), transient=True
    ) as bar:
        task = bar.add_task("reading", total=None)
        last = ""

        def step(word: str, done: int, total: int) -> None:
            nonlocal last
            if word != last:
                bar.reset(task, description=word, total=total)
                last = word
            bar.update(task, completed=done, total=total)

        yield step
