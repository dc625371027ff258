"""From whatever names an architecture to what rules find in it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from math import isfinite
from typing import TypeVar

from archlab.analysis import Result
from archlab.analysis._names import apart
from archlab.errors import ArchlabError, ArgumentError, DesignError, UnknownNameError, UsageError, did_you_mean
from archlab.graph import Graph, Part
from archlab.lint._context import Broken, Context
from archlab.lint._finding import Finding, Findings, Severity, at_least, read_severity
from archlab.lint._mend import Tracing
from archlab.lint._registry import all_rules
from archlab.lint._rule import Rule, Rules
from archlab.lint._task import Task, read_task
from archlab.losses import ALIASES, CompiledLoss, CompileSettings, named_loss, snake
from archlab.sources import Architecture, Reference, load

T = TypeVar("T")
LOSSES = (
    "binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy", "binary_focal_crossentropy",
    "categorical_focal_crossentropy", "kl_divergence", "dice", "tversky", "mean_squared_error", "mean_absolute_error",
    "mean_absolute_percentage_error", "mean_squared_logarithmic_error", "huber", "log_cosh", "cosine_similarity",
    "poisson", "hinge", "squared_hinge", "categorical_hinge",
)  # fmt: skip
"""Names of losses that may be given."""


@dataclass(frozen=True)
class Choice:
    """Which rules are asked, and which layers they leave alone.

    Attributes:
        select: codes, beginnings of codes, names of rules, or 'ALL'; nothing: those that are on.
        ignore: those that are not asked.
        layers: by pattern of a layer's name (`stage1/*`), the codes that are not reported there.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    layers: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])

    def rules(self, rules: Rules) -> tuple[Rule, ...]:
        """Those that are asked."""
        for codes in self.layers.values():
            rules.selected(codes)
        return rules.selected(self.select, self.ignore)

    def kept(self, finding: Finding) -> Finding | None:
        """The finding without the layers at which it is ignored; None where none is left."""
        ignored = [pattern for pattern, codes in self.layers.items() if any(map(finding.code.startswith, codes))]
        if not ignored or not finding.layers:
            return finding
        left = tuple(name for name in finding.layers if not any(fnmatchcase(name, each) for each in ignored))
        return replace(finding, layers=left) if left else None


def lint(
    architecture: Reference | Callable[[], object],
    loss: object = None,
    task: str | Task | None = None,
    *,
    metrics: Sequence[str] = (),
    optimizer: str = "",
    learning_rate: float | None = None,
    input_range: Sequence[float] | None = None,
    input: Sequence[int | None] | None = None,
    select: Iterable[str] = (),
    ignore: Iterable[str] = (),
    per_layer_ignores: Mapping[str, Sequence[str]] | None = None,
    severity: Severity = "warning",
    allow_lambda: bool = False,
) -> Findings:
    """What is wrong with an architecture, how much it matters in numbers of this architecture, and what to change.

    Nothing is built, run or trained. What is not known is not judged: without a loss no rule looks at how it suits the
    head, without a task none at the number of classes. Each rule is a page of the documentation.

    Args:
        architecture: a part, a graph, a Keras model (read, and left as it is), a reference such as 'residual' or
            'net.yaml'; or a function without arguments that makes one. Where that fails because layers do not fit, the
            finding says which and why.
        loss: a loss of Keras, by name ('mse') or as `compile` takes it; by default the one that a Keras model is
            compiled with.
        task: 'binary', 'classes:10', 'labels:14' (several may hold at once), 'regression', 'regression:0:100'.
        metrics: names of metrics; by default the compiled ones.
        optimizer: 'sgd' or 'adam'; by default the compiled one.
        learning_rate: at the first step; by default the compiled one.
        input_range: the lowest and the highest value of the input, such as (0, 255).
        input: another input shape.
        select: which rules are asked: codes ('A302'), beginnings ('A'), names, or 'ALL'.
        ignore: which are not.
        per_layer_ignores: by pattern of a layer's name, the codes that are not reported there.
        severity: the least that is reported, 'error', 'warning' or 'info'.
        allow_lambda: load a saved Keras model although it holds lambdas.

    Raises:
        UnknownNameError: the reference, the loss or a rule names nothing that is known.
        UsageError: the task is none.

    >>> found = lint("vgg16")
    >>> found[0].code, found[0].where
    ('C501', 'dense')
    """
    told = compile_options(loss, metrics, optimizer, learning_rate)
    context = context_of(architecture, told, read_task(task), input_range, input, allow_lambda)
    choice = Choice(tuple(select), tuple(ignore), per_layer_ignores or {})
    rules = all_rules()
    context = replace(context, least=read_severity(severity))
    return Findings.of(findings_of(context, choice.rules(rules), choice), [context.name])


def compile_options(
    loss: object = None, metrics: Sequence[str] = (), optimizer: str = "", learning_rate: float | None = None
) -> CompileSettings:
    """What is told of how a model is compiled.

    Raises:
        UnknownNameError: the loss is none of Keras's.
    """
    losses = () if loss is None else (_described(loss),)
    return CompileSettings(losses, (tuple(metrics),) if metrics else (), optimizer, learning_rate)


def named_contexts_apart(found: Sequence[tuple[Context, Part | None]]) -> list[tuple[Context, Part | None]]:
    """Contexts with names that differ."""
    names = apart(context.name for context, _ in found)
    return [(replace(context, name=name), tree) for name, (context, tree) in zip(names, found, strict=True)]


def findings_of(context: Context, rules: Iterable[Rule], choice: Choice | None = None) -> list[Finding]:
    """What some rules find. Of an architecture that does not add up, those are asked that look at what stands."""
    found: list[Finding] = []
    for rule in rules:
        if context.broken is not None and not rule.partial:
            continue
        if not at_least(rule.severity, context.least):
            continue
        for each in rule.check(context):
            finding = Finding(
                rule.code,
                rule.name,
                each.severity or rule.severity,
                context.name,
                each.message,
                each.remedy,
                each.layers,
                each.value,
                rule.source,
                each.edits or None,
            )
            kept = choice.kept(finding) if choice else finding
            if kept is not None and at_least(kept.severity, context.least):
                found.append(kept)
    return found


def context_of_result(result: Result) -> Context:
    """What rules are asked about an architecture that has been analysed and perhaps measured."""
    origin = result.architecture
    return Context(
        result.name,
        result.analysis.graph,
        _settings(origin, CompileSettings()),
        unusual_starts=origin.unusual_starts,
        flow=result.gradient_flow,
        not_measured=result.not_measured,
    )


def context_of(
    architecture: Reference | Callable[[], object],
    told: CompileSettings | None = None,
    task: Task | None = None,
    input_range: Sequence[float] | None = None,
    input: Sequence[int | None] | None = None,
    allow_lambda: bool = False,
) -> Context:
    """What rules are asked about: an architecture by whatever names it, and what is told besides."""
    return context_and_tree(architecture, told, task, input_range, input, allow_lambda)[0]


def context_and_tree(
    architecture: Reference | Callable[[], object],
    told: CompileSettings | None = None,
    task: Task | None = None,
    input_range: Sequence[float] | None = None,
    input: Sequence[int | None] | None = None,
    allow_lambda: bool = False,
) -> tuple[Context, Part | None]:
    """The same with the tree of parts, where the architecture has one."""
    told = told or CompileSettings()
    pixels = _pixels(input_range)
    name = ""
    try:
        found = _loaded(architecture, input, allow_lambda)
        name = found.name
        graph = found.graph
    except (ArchlabError, ValueError, TypeError) as error:
        stopped = _stopped(architecture, input, error)
        if stopped is None:
            raise
        broken, graph = stopped
        shown = name or (architecture if isinstance(architecture, str) else getattr(architecture, "__name__", "model"))
        return Context(str(shown), graph, told, task, pixels, broken=broken), None
    return Context(found.name, graph, _settings(found, told), task, pixels, found.unusual_starts), found.tree


def _loaded(
    architecture: Reference | Callable[[], object], input: Sequence[int | None] | None, allow_lambda: bool
) -> Architecture:
    # Whatever a user's code builds with Keras must say where it failed; only then is Keras there already.
    if callable(architecture) and not isinstance(architecture, Part | Graph | Architecture | str):
        if not _is_model(architecture):
            return load(_watched(architecture), input)
    elif isinstance(architecture, str) and ".py:" in architecture:
        return _watched(lambda: load(architecture, input, allow_lambda=allow_lambda))
    return load(architecture, input, allow_lambda=allow_lambda)


def _watched(build: Callable[[], T]) -> T:
    from archlab.bridge import with_full_tracebacks

    return with_full_tracebacks(build)


def _is_model(value: object) -> bool:
    keras, torch = sys.modules.get("keras"), sys.modules.get("torch")
    return (keras is not None and isinstance(value, keras.Model)) or (
        torch is not None and isinstance(value, torch.nn.Module)
    )


def _stopped(architecture: object, input: Sequence[int | None] | None, error: Exception) -> tuple[Broken, Graph] | None:
    """Why an architecture does not add up and what stands of it; None where the error is of another kind."""
    if isinstance(error, DesignError) and not isinstance(error, ArgumentError):
        return _stopped_tree(architecture, input, error)
    if isinstance(error, UnknownNameError | UsageError) or sys.modules.get("keras") is None:
        return None
    from archlab.bridge import unfinished  # an error of Keras's: it has been loaded

    found = unfinished(error)
    if found is None:
        return None
    shapes = tuple([found.graph.nodes[at].shape for at in found.graph.outputs])
    rule = ""
    try:
        if found.op is not None:
            found.op.output(*shapes)
    except DesignError as own:
        rule = own.rule
    said = str(error.__cause__ or error).strip().splitlines()
    rule = rule or next((line.strip() for line in said if line.strip() and "encountered" not in line), "")
    return Broken(rule, found.layer, found.op, shapes), found.graph


def _stopped_tree(
    architecture: object, input: Sequence[int | None] | None, error: DesignError
) -> tuple[Broken, Graph] | None:
    """The same of a tree of parts, lowered once more up to where it fails."""
    tree = architecture.tree if isinstance(architecture, Architecture) else architecture
    if isinstance(tree, str):
        try:
            tree = load(tree).tree
        except ArchlabError:
            return None
    if not isinstance(tree, Part):
        return None
    tracing = Tracing()
    try:
        tree = tree if input is None else tree.with_input(*input)
        tree.lower(tracing, None)
    except DesignError:
        pass
    if not tracing.nodes or tracing.last is None:
        return None
    op, shapes, inputs = tracing.last
    graph = Graph(tuple(tracing.nodes), inputs or (len(tracing.nodes) - 1,))
    return Broken(error.rule, error.path, op, shapes), graph


def _settings(found: Architecture, told: CompileSettings) -> CompileSettings:
    """What a model is compiled with, and what is told goes before it."""
    own = found.settings or CompileSettings()
    compiled = (found.compiled_loss,) if found.compiled_loss is not None else own.losses
    return CompileSettings(
        told.losses or compiled,
        told.metrics or own.metrics,
        told.optimizer or own.optimizer,
        told.learning_rate if told.learning_rate is not None else own.learning_rate,
    )


def _described(loss: object) -> CompiledLoss:
    if isinstance(loss, CompiledLoss):
        return loss
    if isinstance(loss, str):
        return named_loss(_known_loss(loss))
    from archlab.bridge import described_loss, load_any_keras  # whoever holds a loss of Keras's has loaded it

    return described_loss(load_any_keras(), loss)


def _known_loss(name: str) -> str:
    kind = snake(name)
    if ALIASES.get(kind, kind) not in LOSSES:
        raise UnknownNameError(f"no loss {name!r}: {did_you_mean(name, [*LOSSES, *ALIASES])}")
    return name


def _pixels(given: Sequence[float] | None) -> tuple[float, float] | None:
    """The mean and the standard deviation of images of a range: its middle, and a quarter of it."""
    if given is None:
        return None
    if len(given) != 2 or not all(map(isfinite, given)) or not given[0] < given[1]:
        raise ArgumentError(f"input_range must be the lowest and the highest value, such as (0, 255), got {given!r}")
    low, high = given
    return (low + high) / 2, (high - low) / 4
