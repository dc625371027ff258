"""The project speaks the words of its glossary: help texts, reports, documentation, public names."""

from __future__ import annotations

import ast
import html
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import click
import pytest
from archlab_cli.main import app, run

import archlab

ROOT = Path(__file__).resolve().parents[1]

# What is not said, and what is said instead. Only phrases that can mean nothing else.
INSTEAD = {
    r"kept for (the )?backward": "saved activations",
    r"needs? a size": "depends on the input size",
    r"not to be relied on": "unreliable prediction, because …",
    r"paths that merge look|looks? at different places": "branches merge with misaligned receptive fields",
    r"\bspans the image from\b": "first layer covering the input",
    r"\bstarts at pixel\b": "start offset (px)",
    r"\btheory expects\b": "predicted",
    r"\bnothing was built or run\b": "predicted",
    r"\bunless given\b": "[default: X]",
    r"\bways past\b": "skip connections",
    r"\bfour maxima\b": "max pooling",
    r"\bfor one example\b|\b\d+ examples\b": "samples",
    r"\bis no run\b|\bis no JSON\b": "not an archlab run; invalid JSON",
    r"\balive\b": "live activations",
    r"\bdraws of the weights\b": "initialization, seed",
    r"\balong its trend\b": "slope, change",
    r"\bremarks?\b": "finding",
    r"\btreatments?\b": "recipe",
    r"\bmaximum pooling\b|\bpooling by (maximum|average)\b": "max pooling, average pooling",
    r"\bwhat (a|each|every) unit sees\b|\bhow far (it|a unit|units) sees?\b": "receptive field",
    r"\bhand(s|ed)? on\b(?= (a|the) report)": "share a report",
    r"'(vanishes|explodes|level)'|`(vanishes|explodes|level)`": "vanishing, exploding, stable",
}
# What else is not said where data, training, statistics and experiments are the subject.
OF_TRAINING = {
    r"\b[Pp]hotos?\b": "images",
    r"\b[Dd]rawings?\b": "synthetic images",
    r"\btaken for\b": "predicted class",
    r"\bgot right\b|\bright about\b|\bis right\b": "classified correctly; accuracy, recall, precision",
    r"\bsaid of\b|\bsays? of\b": "predicted class; valid for",
    r"\bcuts\b": "crops",
    r"\b(broke|breaks|broken) off\b|\bgo(es|ne)? on with\b": "interrupted, resumed",
    r"\bmade up\b": "split off",
    r"\bno number any more\b": "not finite",
    r"\bwhat came of\b|\bWhat came of\b": "results",
    r"\bnets?\b(?![/.])": "network",
}
# Keys of files keep their names, and folders of earlier versions remain readable.
# Every static command that reports.
COMMANDS = (
    "list",
    "show residual",
    "compare baseline residual --static",
    "diff baseline residual",
    "lint residual plain",
    "forecast plain:depth=50,normalization=none residual",
    "explain residual",
    "memory residual",
    "latency residual --device cpu",
    "ablate residual --device cpu",
)
KEYS = {"photo", "photos", "test_photos", "other_photos", "shapes (synthetic drawings)"}
# The concept page may call the activation gradient the error signal, once, as a synonym.
SYNONYM = {"docs/concepts/gradient-flow.md"}


def said_by_help() -> Iterator[tuple[str, str]]:
    # With the options of the real one: click remembers the help option that it made first.
    context = click.Context(app, **app.context_settings)
    yield "archlab", app.get_help(context)
    for name in app.list_commands(context):
        command = app.get_command(context, name)
        assert command is not None
        yield f"archlab {name}", command.get_help(click.Context(command, parent=context, info_name=name))
        for part, below in getattr(command, "commands", {}).items():
            yield f"archlab {name} {part}", below.get_help(click.Context(below, parent=context, info_name=part))


def said_by_code() -> Iterator[tuple[str, str]]:
    """Every text in the code that makes output, and every docstring of it."""
    for folder in (
        "analysis", "report", "lint", "display", "comparison", "diffing", "rendering", "export", "sources", "notation",
    ):  # fmt: skip
        for path in (ROOT / "archlab" / folder).rglob("*.py"):
            yield from constants(path)
    yield from said_by_training()


def said_by_training() -> Iterator[tuple[str, str]]:
    """The same of the packages and commands on data, training, statistics and experiments."""
    for path in sources_on_training():
        yield from constants(path)


def sources_on_training() -> Iterator[Path]:
    for folder in ("data", "training", "statistics", "experiments"):
        yield from (ROOT / "archlab" / folder).rglob("*.py")
    yield from (ROOT / "archlab" / "report" / f"{name}.py" for name in ("data", "training", "experiment"))
    commands = ROOT / "cli" / "archlab_cli" / "commands"
    yield from (commands / f"{name}.py" for name in ("data", "train", "evaluate", "predict", "experiment"))


def constants(path: Path) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value not in KEYS:
            yield f"{path.relative_to(ROOT)}:{node.lineno}", node.value


def said_by_docs() -> Iterator[tuple[str, str]]:
    notebook = ROOT / "docs" / "tutorial.ipynb"
    yield "docs/tutorial.ipynb", "\n".join(said_by_notebook(notebook))
    for path in (ROOT / "README.md", ROOT / "SECURITY.md", *(ROOT / "docs").rglob("*.md")):
        name = str(path.relative_to(ROOT))
        # These two name what is not said.
        if name not in ("docs/reference/glossary.md", "docs/reference/json.md"):
            yield name, path.read_text(encoding="utf-8")


def said_by_notebook(path: Path) -> Iterator[str]:
    """The texts of a notebook, and what its cells print."""
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        yield "".join(cell["source"])
        for output in cell.get("outputs", ()):
            yield "".join(output.get("text", ""))
            yield "".join(output.get("data", {}).get("text/plain", ""))


def said_by_commands(capfd: pytest.CaptureFixture[str]) -> Iterator[tuple[str, str]]:
    """What static commands print, in the forms that people read."""
    for command in COMMANDS:
        for form in ("text", "markdown") if command.startswith("lint") else ("table", "markdown", "html"):
            assert run([*command.split(), "--format", form]) in (0, 1)
            out, err = capfd.readouterr()
            # A page holds its program and its charts too, which are nobody's words.
            text = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", out, flags=re.DOTALL)
            yield f"archlab {command} --format {form}", html.unescape(re.sub(r"<[^>]+>", " ", text)) + err


def said_by_docs_on_training() -> Iterator[tuple[str, str]]:
    pages = {f"docs/how-to/{name}.md" for name in ("train", "data", "experiments", "report")}
    pages |= {f"docs/concepts/{name}.md" for name in ("training", "is-the-difference-real")}
    yield from ((where, text) for where, text in said_by_docs() if where in pages | {"docs/reference/training.md"})


def unsaid(where: str, text: str, table: Mapping[str, str] = INSTEAD) -> list[str]:
    flat = " ".join(text.split())
    return [
        f"{where}: {found[0]!r}: say {instead!r}"
        for wrong, instead in table.items()
        for found in re.finditer(wrong, flat)
    ]


@pytest.mark.parametrize("source", [said_by_help, said_by_code, said_by_docs], ids=lambda source: source.__name__)
def test_the_words_are_those_of_the_glossary(source) -> None:
    assert [wrong for where, text in source() for wrong in unsaid(where, text)] == []


def test_what_commands_print_are_the_words_of_the_glossary(capfd) -> None:
    said = list(said_by_commands(capfd))
    assert len(said) == 3 * len(COMMANDS) - 1 and all(len(text) > 100 for _, text in said)
    assert [wrong for where, text in said for wrong in unsaid(where, text)] == []
    assert [where for where, text in said if re.search(r"\b[Ee]rror signals?\b", text)] == []


@pytest.mark.parametrize("source", [said_by_training, said_by_docs_on_training], ids=lambda source: source.__name__)
def test_training_speaks_of_images_and_predictions(source) -> None:
    assert [wrong for where, text in source() for wrong in unsaid(where, text, OF_TRAINING)] == []


def test_names_on_training_are_the_glossarys() -> None:
    avoided = re.compile(r"photo|drawing|\b[Dd]ice|treatment|remark", re.IGNORECASE)
    names = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in sources_on_training()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in (getattr(node, each, None) for each in ("id", "attr", "arg", "name"))
        if isinstance(name, str) and avoided.search(name)
    }
    assert names == set()


def test_the_error_signal_is_a_synonym_on_one_page() -> None:
    places = [where for source in (said_by_help, said_by_code, said_by_docs) for where, text in source()
              if re.search(r"\b[Ee]rror signals?\b", text)]  # fmt: skip
    assert set(places) <= SYNONYM


def test_that_test_fails_on_other_words() -> None:
    assert unsaid("here", "memory kept for\nbackward") == ["here: 'kept for backward': say 'saved activations'"]


def test_public_names_are_the_glossarys() -> None:
    avoided = re.compile(r"photo|drawing|treatment|remark|error_signal|kept|figure", re.IGNORECASE)
    assert [name for name in archlab.__all__ if avoided.search(name)] == []
    fields = [name for kind in (archlab.Analysis, archlab.GradientFlow, archlab.PredictedFlow) for name in dir(kind)]
    assert [name for name in fields if avoided.search(name)] == []
