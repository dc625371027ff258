"""For each kind of input: how it is made, as plain data, and what is done with it."""

from __future__ import annotations

import contextlib
import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

from tests.fuzz import samples
from tests.fuzz.values import NUMBERS, SOURCES, TYPED, WORDS, mutated

_LONGEST_ERROR = 1200
_DOCUMENTED = (0, 1, 2)
# Nothing that a terminal would obey; lines and tabs are the output's own.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True)
class Kind:
    """One kind of input.

    Attributes:
        inputs: makes it.
        run: does what a user would do with it; raises what a user must never see.
        keras: whether Keras is loaded for it.
    """

    inputs: st.SearchStrategy[Any]
    run: Callable[[Any, Path], None]
    keras: bool = False


class FaultError(Exception):
    """What no exception says: a wrong exit code, more than a line of error, a control character."""


def command(arguments: list[str]) -> None:
    """Run the command line and check how it ends."""
    from archlab_cli.main import run

    # Pictures are written as bytes.
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="\n") for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(arguments)
    printed, said = (each.buffer.getvalue().decode("utf-8", "replace") for each in (out, err) if not each.flush())
    if code not in _DOCUMENTED:
        raise FaultError(f"exit code {code}")
    if code == 2 and (printed or said.count("\n") != 1 or not said.startswith("archlab: ")):
        raise FaultError(f"not one line of error: {printed[:200]!r} {said[:200]!r}")
    if code == 2 and len(said) > _LONGEST_ERROR:
        raise FaultError(f"an error of {len(said)} characters: {said[:200]!r}")
    for text in (said, "" if "\ufffd" in printed else printed):
        if found := _CONTROL.search(text):
            raise FaultError(f"a control character: {text[max(0, found.start() - 80) : found.end() + 40]!r}")


def allowed(run: Callable[[], object]) -> None:
    """Run it; archlab's own errors are what it may raise, each of one line."""
    from archlab.errors import ArchlabError

    try:
        run()
    except ArchlabError as error:
        said = str(error)
        if "\n" in said or len(said) > _LONGEST_ERROR or _CONTROL.search(said):
            raise FaultError(f"not one short line: {said[:300]!r}") from None


# References.

_NAMES = st.sampled_from(("residual", "plain", "baseline", "resnet50", "vgg16", "mobilenet_v1", "xception", "residul"))
_ARGUMENTS = st.sampled_from(("depth", "width", "normalization", "conv", "classes", "alpha", "size", "x", ""))


def _reference() -> st.SearchStrategy[str]:
    pairs = st.lists(st.tuples(_ARGUMENTS, TYPED).map("=".join), max_size=3).map(",".join)
    named = st.tuples(_NAMES, st.sampled_from((":", "::", " ", "")), pairs).map("".join)
    files = st.tuples(TYPED, st.sampled_from((".yaml", ".keras", ".py", ".py:net", ".h5", ":net", ".x:y"))).map("".join)
    return st.one_of(named, named, files, TYPED).filter(lambda text: not text.startswith(("keras:", "-")))


def _show(reference: str, folder: Path) -> None:
    command(["show", reference])


# Options of the command line.

_OPTIONS = {
    "show": ("--by", "--input", "--format", "--output"),
    "compare": ("--input", "--seeds", "--data", "--sort", "--fail-on", "--format", "--output", "--target", "--epochs",
                "--set", "--recipe"),
    "diff": ("--input", "--format", "--output"),
    "render": ("--view", "--level", "--color", "--only", "--layer", "--image", "--engine", "--input", "--format"),
    "export": ("--format", "--input", "--output"),
    "list": ("--format", "--output"),
    "gradients": ("--depths", "--init", "--input", "--data", "--seeds", "--batch", "--batches", "--loss", "--mode",
                  "--by", "--plot", "--format"),
    "train": ("--data", "--recipe", "--epochs", "--seed", "--input", "--set", "--patience", "--resume", "--format"),
    "evaluate": ("--data", "--split", "--format"),
    "lint": ("--loss", "--task", "--data", "--metrics", "--optimizer", "--learning-rate", "--input-range", "--input",
             "--select", "--ignore", "--severity", "--fail-on", "--explain", "--rules", "--format", "--output"),
    "check": ("--max-params", "--min-macs", "--max-memory", "--max-slope", "--min-receptive-field", "--baseline",
              "--tolerance", "--input", "--format", "--output"),
    "forecast": ("--input", "--loss", "--input-range", "--format", "--output"),
    "explain": ("--without", "--input", "--format", "--output"),
    "experiment": ("--engine", "--address", "--format"),
}  # fmt: skip
# Those that would load Keras are given what they refuse in the end.
_GIVEN = {
    "show": ["plain:depth=4"], "compare": ["plain:depth=4", "residual", "--static"], "diff": ["plain:depth=4", "plain"],
    "render": ["plain:depth=4"], "export": ["plain:depth=4"], "list": [], "gradients": ["no such net"],
    "train": ["no such net"], "evaluate": ["no such run"], "experiment": ["no such plan.yaml"],
    "lint": ["plain:depth=4"], "check": ["plain:depth=4"], "forecast": ["plain:depth=4"], "explain": ["plain:depth=4"],
}  # fmt: skip


_VALUES = ("8x8", "8x8x3", "csv", "html", "json", "latex", "lr=²", "epochs=1e999", "layer", "stage", "graph", "pyramid",
           "receptive-field")  # fmt: skip


def _arguments() -> st.SearchStrategy[list[str]]:
    def of(name: str) -> st.SearchStrategy[list[str]]:
        value = st.one_of(TYPED, st.sampled_from(_VALUES))
        option = st.tuples(st.sampled_from((*_OPTIONS[name], "--nothing")), value).map(list)
        several = st.lists(option, min_size=1, max_size=3)
        return several.map(lambda found: [name, *_GIVEN[name], *[word for each in found for word in each]])

    return st.sampled_from(sorted(_OPTIONS)).flatmap(of)


def _run_command(arguments: list[str], folder: Path) -> None:
    with contextlib.chdir(folder):
        command(arguments)


# Files.

_PARTS = ("Conv", "Dense", "BatchNorm", "ReLU", "MaxPool", "Input", "Residual", "Parallel", "Repeat", "Stage",
          "Pyramid", "Block", "Reshape", "Upsample", "RandomCrop", "GlobalAvgPool", "Flatten", "Conv2",
          "Add")  # fmt: skip
_NET: dict[str, Any] = {
    "name": "net", "paper": "none", "blocks": {"unit": [{"Conv": {"filters": 8, "kernel": 3}}, "BatchNorm", "ReLU"]},
    "architecture": [
        {"Input": [32, 32, 3]}, {"Repeat": {"part": "unit", "times": 2}}, {"Residual": [{"Conv": 8}, "ReLU"]},
        {"Stage": {"body": {"Conv": {"kernel": [3, 3], "stride": 2}}, "width": 16, "name": "first"}},
        {"Parallel": {"branches": ["ReLU", {"Conv": 4}], "merge": "Concatenate"}}, {"MaxPool": 2},
        {"Pyramid": {"block": {"Conv": {}}, "widths": [8, 16], "repeats": 2}}, "GlobalAvgPool", {"Dense": 10},
    ],
}  # fmt: skip
_RECIPE: dict[str, Any] = {
    "base": "lecture", "epochs": 3, "lr": 0.1, "size": {0: 64, 0.5: 96}, "schedule": "cosine", "flip": True,
    "only": {"baseline": {"flip": False}}, "optimizer": "sgd", "warmup": 0.1,
}  # fmt: skip
_PLAN: dict[str, Any] = {
    "name": "ablation", "data": "shapes", "architectures": ["residual", {"name": "p", "reference": "plain:depth=4"}],
    "recipes": ["lecture", {"name": "f", "base": "fast", "set": {"epochs": 2, "input": 32}}], "seeds": [0, 1],
    "set": {"lr": 0.1}, "output": "runs", "retries": 1, "resources": {"cpus": 1, "gpus": 0, "memory": "4 GiB"},
}  # fmt: skip
_HUGE = st.sampled_from((*NUMBERS, *WORDS, *_PARTS, "100000000000", "0x" + "f" * 5000, "!!python/object:os.system x",
                         "2001-01-01", "1:2:3", ".inf", ".nan", "WIDTH * 999999999", "? x", "<<",
                         "- - - -"))  # fmt: skip


@st.composite
def _yaml_text(draw: st.DrawFn, valid: dict[str, Any]) -> str:
    """A valid document with values replaced, written, and then with words of the text replaced."""
    data = draw(mutated(valid)) if draw(st.booleans()) else valid
    try:
        text = yaml.safe_dump(data, allow_unicode=True, sort_keys=False)
    except (ValueError, RecursionError):
        text = yaml.safe_dump(valid)
    for _ in range(draw(st.integers(0, 3))):
        words = list(re.finditer(r"[\w.]+", text))
        if words:
            word = draw(st.sampled_from(words))
            text = text[: word.start()] + draw(_HUGE) + text[word.end() :]
    return text if draw(st.integers(0, 9)) else text[: draw(st.integers(0, len(text)))]


def _written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    return path


_STATIC = (["show"], ["compare", "--static"], ["lint"], ["lint", "--fix"], ["forecast"], ["explain"], ["render"],
           ["export", "-f", "python"])  # fmt: skip
_ANY_STATIC = st.sampled_from(_STATIC)


def _read_yaml(given: tuple[str, list[str]], folder: Path) -> None:
    text, (name, *options) = given
    with contextlib.chdir(folder):
        command([name, str(_written(folder, "net.yaml", text)), *options])


def _read_recipe(text: str, folder: Path) -> None:
    from archlab.training import recipes

    path = _written(folder, "recipe.yaml", text)
    allowed(lambda: recipes.to_yaml(recipes.recipe(path).for_architecture("baseline")))


def _read_plan(text: str, folder: Path) -> None:
    command(["experiment", str(_written(folder, "plan.yaml", text)), "--dry-run"])


# Saved records.


def _text(data: object) -> str:
    return json.dumps(data)


@st.composite
def _record(draw: st.DrawFn) -> list[str]:
    """What kind of record, and its text."""
    valid: dict[str, Any] = {name: record.to_dict() for name, record in samples.RESULTS.items()}
    valid |= samples.RUN | {"experiment.json": samples.EXPERIMENT}
    valid["gradients.jsonl"] = {"step": 1, "epoch": 1, **samples.RESULTS["GradientFlow"].to_dict()}
    name = draw(st.sampled_from(sorted(valid)))
    text = _text(draw(mutated(valid[name])))
    how = draw(st.integers(0, 19))
    if how == 0:
        text = text[: draw(st.integers(0, len(text)))]
    elif how == 1:
        text = text.replace("0", "9" * 5000, 1)
    elif how == 2:
        text = "[" * 100_000
    elif how == 3:
        text = text.replace("0.", "1e999", 1)
    return [name, text]


def _read_record(given: list[str], folder: Path) -> None:
    name, text = given
    if name in samples.RESULTS:
        path = _written(folder, "saved.json", text)
        allowed(lambda: _used(type(samples.RESULTS[name]).load(path)))
    elif name == "gradients.jsonl":
        command(["gradients", str(_written(folder, "run.jsonl", text))])
    elif name == "experiment.json":
        from archlab.experiments import Plan
        from archlab.experiments._record import open_record

        _written(folder, name, text)
        allowed(lambda: open_record(Plan("x", ("a",), ("b",), (0,), output=folder)))
    else:
        from archlab.report import to_text
        from archlab.report.training import run_report
        from archlab.training import Run

        for file, data in samples.RUN.items():
            _written(folder, file, _text(data))
        _written(folder, name, text)
        run = Run(folder)
        allowed(lambda: [record.to_dict() for record in run.history])
        allowed(lambda: to_text(run_report(run)))
        allowed(lambda: json.dumps(run.summary.to_dict()))


def _used(record: Any) -> None:
    """What people do with a result."""
    json.dumps(record.to_dict())
    said = str(record)
    if _CONTROL.search(said):
        raise FaultError(f"a control character: {said[:300]!r}")
    for name in ("half", "effective_length", "mean_length", "by_distance", "fraction", "mean", "total"):
        getattr(record, name, None)


# Saved Keras models.


def _read_model(given: tuple[str, list[str]], folder: Path) -> None:
    from tests.hostile import saved

    text, (name, *options) = given
    path = folder / "net.keras"
    saved(text.encode("utf-8", "surrogatepass"))(path)
    with contextlib.chdir(folder):
        command([name, str(path), *options])


# Constructors.


@st.composite
def _call(draw: st.DrawFn) -> str:
    """A call of a constructor with some of its arguments."""
    from archlab.notation._arguments import arguments_of, part_kinds

    kinds = part_kinds()
    names = sorted(name for name in kinds if kinds[name].__module__.startswith("archlab."))
    name = draw(st.sampled_from(names))
    known = arguments_of(kinds[name])
    given: list[str] = []
    for argument in known.values():
        if argument.spread:
            given += draw(st.lists(st.sampled_from(SOURCES), min_size=1, max_size=3))
        elif argument.required or draw(st.integers(0, 3)) == 0:
            parts = ("ReLU()", "Conv(4)", "Block(ReLU())", "BatchNorm() >> ReLU()")
            some = (
                parts
                if argument.required and draw(st.booleans()) and argument.name in ("body", "block", "part")
                else SOURCES
            )
            given.append(f"{argument.name}={draw(st.sampled_from(some))}")
    times = draw(st.sampled_from(("", "", "", " * 3", " * 10**12", " * 0", " * -1", " * 1.5", " >> 3")))
    return f"{name}({', '.join(given)}){times}"


@st.composite
def _expression(draw: st.DrawFn) -> str:
    """An input and one to three calls behind it, some of them of what is found in most networks."""
    inputs = ("8, 8, 4", "8, 4", "8, 8, 8, 2", "4", "None, None, 3", "1, 1, 1", "10**15, 10**15, 10**15")
    usual = st.sampled_from(("Conv(4)", "BatchNorm()", "ReLU()", "Conv(4, 3, stride=2)", "Residual(Conv(4) >> ReLU())"))
    calls = draw(st.lists(st.one_of(_call(), _call(), usual), min_size=1, max_size=3))
    ends = draw(st.sampled_from(("", "", " >> GlobalAvgPool() >> Dense(3) >> Softmax()")))
    return f"Input({draw(st.sampled_from(inputs))}) >> {' >> '.join(calls)}{ends}"


def _evaluate(source: str, folder: Path) -> None:
    import archlab
    from archlab.notation._arguments import part_kinds

    names = {name: getattr(archlab, name) for name in ("WIDTH", "CHANNELS", "Sequence", "Input")} | part_kinds()

    def build() -> None:
        # The source is this module's own, made of the values above.
        made = eval(source, {"__builtins__": {"float": float, "object": object, "range": range}}, names)
        repr(made)
        archlab.to_yaml(made)
        graph = made.to_graph()
        found = archlab.analyze(graph)
        json.dumps(found.to_dict())
        for use in (archlab.predict_gradient_flow, archlab.forecast, archlab.lint, archlab.explain, archlab.to_python):
            allowed(lambda use=use: use(made))
        allowed(lambda: archlab.render(made).svg)

    allowed(build)


KINDS: dict[str, Kind] = {
    "references": Kind(_reference(), _show),
    "options": Kind(_arguments(), _run_command),
    "yaml": Kind(st.tuples(_yaml_text(_NET), _ANY_STATIC), _read_yaml),
    "recipes": Kind(_yaml_text(_RECIPE), _read_recipe),
    "plans": Kind(_yaml_text(_PLAN), _read_plan),
    "records": Kind(_record(), _read_record),
    "builders": Kind(_expression(), _evaluate),
    "models": Kind(st.tuples(mutated(samples.NET).map(_text), _ANY_STATIC), _read_model, keras=True),
}
