"""Several architectures side by side: analysed at once, measured when asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archlab.analysis._names import apart
from archlab.analysis.static import analyze
from archlab.errors import DesignError, UsageError, did_you_mean
from archlab.notation import to_yaml
from archlab.report import Report, comparison_report, to_text
from archlab.report.training import training_parts
from archlab.result import Result
from archlab.shown import Shown
from archlab.sources import Architecture, Reference, load

if TYPE_CHECKING:
    from archlab.training.experiments import Results

__all__ = ["SORT_KEYS", "Comparison", "compare"]

SCHEMA = 1


def _slope(result: Result) -> float:
    slope = result.gradient_flow.slope if result.gradient_flow else None
    return float("inf") if slope is None else abs(slope)


SORT_KEYS: Mapping[str, Callable[[Result], Any]] = {
    "name": lambda result: result.name,
    "depth": lambda result: result.analysis.depth,
    "params": lambda result: result.analysis.params.total,
    "macs": lambda result: result.analysis.compute.macs or 0,
    "flops": lambda result: result.analysis.compute.flops or 0,
    "memory": lambda result: result.analysis.memory.activations_training or 0,
    "receptive-field": lambda result: row.size if (row := result.analysis.receptive_field.last) else (),
    "slope": _slope,
}
"""What architectures can be sorted by, the smallest first; the slope by its distance from level."""


@dataclass(frozen=True)
class Comparison(Shown):
    """Architectures side by side, in the order they are shown.

    >>> found = compare("baseline", "residual", static=True)
    >>> [result.analysis.params.total for result in found]
    [991041, 721857]
    """

    results: tuple[Result, ...]
    training: Results | None = None
    """What came of training them, where they were."""
    input: tuple[int | None, ...] | None = None
    """The input that all of them were given, where it is not their own."""

    def __iter__(self):
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)

    def __getitem__(self, key: int | str) -> Result:
        if isinstance(key, int):
            return self.results[key]
        for result in self.results:
            if result.name == key:
                return result
        raise KeyError(key)

    def measured(
        self, data: Any = None, seeds: int = 3, progress: Callable[[str, str], None] | None = None
    ) -> Comparison:
        """The same with the gradient flow of every architecture measured.

        Args:
            data: a folder of class folders with photos; a synthetic batch without one.
            seeds: initializations.
            progress: called with an architecture's name and a word on every step done.
        """
        from archlab.analysis.measured import gradient_flow  # loads TensorFlow, which a static comparison never needs

        found: list[Result] = []
        for result in self.results:
            tell = (lambda word, name=result.name: progress(name, word)) if progress else None
            try:
                # A live model with a layer that has no rule can only be copied by Keras, not built from its graph.
                live = result.architecture.model if result.analysis.unknown else None
                what = result.analysis.graph if live is None else live
                flow = gradient_flow(what, data=data, seeds=seeds, progress=tell)
                found.append(replace(result, gradient_flow=flow))
            except DesignError as error:
                # A layer that cannot be built keeps its own architecture from being measured, not the others.
                found.append(replace(result, not_measured=str(error)))
        return replace(self, results=tuple(found))

    def trained(
        self,
        data: str | Path = "shapes",
        recipe: str = "lecture",
        seeds: int | Sequence[int] = 3,
        *,
        settings: Mapping[str, Any] | None = None,
        output: str | Path | None = None,
        tell: Callable[[str, Any], None] | None = None,
    ) -> Comparison:
        """The same with every architecture trained under one recipe, once for each seed; the first is the yardstick.

        Runs that are finished are not run again, those that were broken off are gone on with.

        Args:
            data: a folder of class folders, or `shapes`.
            recipe: a recipe's name or file.
            seeds: how many, or which.
            settings: other values for the recipe's fields.
            output: the folder of the runs; one under `runs`, named after what is compared, unless given.
            tell: called with an architecture's name and where its run is, after every batch and epoch.

        Raises:
            UsageError: an architecture cannot be named for a run, or the folder holds other runs.
        """
        from archlab.training import experiments

        names = "-vs-".join(result.name for result in self.results)
        folder = Path("runs") / experiments.folder_name(f"{names}-{recipe}") if output is None else Path(output)
        values: dict[str, Any] = dict(settings or {})
        if self.input is not None:
            values["input"] = "x".join(map(str, self.input))
        plan = experiments.Plan(
            "compare",
            [experiments.Candidate(result.name, _reference(result.architecture, folder)) for result in self.results],
            [experiments.Treatment(recipe, recipe, values)],
            list(range(seeds)) if isinstance(seeds, int) else list(seeds),
            str(Path(data).resolve() if Path(data).is_dir() else data),
            folder,
        )

        say = tell or (lambda name, step: None)

        def trial(spec: experiments.TrialSpec, run: Path) -> None:
            name = f"{spec.architecture}, seed {spec.seed}"
            experiments.train_trial(spec, run, lambda step: say(name, step))

        return replace(self, training=experiments.run(plan, trial=trial))

    def sorted(self, by: str) -> Comparison:
        """The same in another order, the smallest first.

        Raises:
            UsageError: `by` is none of SORT_KEYS.
        """
        if by not in SORT_KEYS:
            raise UsageError(f"cannot sort by {by!r}: {did_you_mean(by, SORT_KEYS)}")
        return replace(self, results=tuple(sorted(self.results, key=SORT_KEYS[by])))

    def to_dict(self) -> dict[str, Any]:
        """As plain data, by a schema that later versions only add to."""
        data: dict[str, Any] = {"schema": SCHEMA, "architectures": [result.to_dict() for result in self.results]}
        if self.training:
            data["training"] = self.training.to_dict()
        return data

    def report(self, target: float | None = None) -> Report:
        """As a report; `target` is the validation accuracy that times of training are given to."""
        made = comparison_report(self.results)
        return Report((*made.parts, *training_parts(self.training, target))) if self.training else made

    def to_html(
        self, target: float | None = None, *, command: str | None = None, when: datetime | None = None
    ) -> str:  # fmt: skip
        """As one page that opens from a file, with no network: summary, charts, graphs, every layer, provenance.

        Args:
            target: the validation accuracy that times of training are given to.
            command: what the comparison was made by, for the provenance.
            when: it was made; now, unless given.

        >>> page = compare("baseline", static=True).to_html()
        >>> page.startswith("<!doctype html>"), "https://" in page
        (True, False)
        """
        from archlab.report.html import comparison_to_html  # loads jinja2 and altair, which text never needs

        return comparison_to_html(
            self.results, self.training, target=target, input=self.input, command=command, when=when
        )

    def __str__(self) -> str:
        return to_text(self.report())


def compare(
    *references: Reference | Mapping[str, Reference],
    static: bool = False,
    input: Sequence[int | None] | None = None,
    data: Any = None,
    seeds: int = 3,
    progress: Callable[[str, str], None] | None = None,
    allow_lambda: bool = False,
) -> Comparison:
    """Compare architectures: what they cost, how far they see, how gradients flow through them.

    Args:
        references: names of the zoo, parts, graphs; or mappings, which name the architectures in them.
        static: stop before anything is built: no TensorFlow, no gradient flow.
        input: another input shape for all, (height, width) or (height, width, channels).
        data: a folder of class folders with photos to measure gradients on; a synthetic batch without one.
        seeds: initializations to measure gradients under.
        progress: called with an architecture's name and a word on every step of the measurement.
        allow_lambda: load saved Keras models although they hold lambdas, which are code that then runs.

    Raises:
        UnknownNameError: a reference names nothing.
        DesignError: an architecture does not add up.

    >>> print(compare("baseline", static=True)["baseline"].analysis.compute.macs)
    415288960
    >>> from archlab import Residual, load
    >>> net = load("residual").tree
    >>> [found.name for found in compare({"ours": net, "cut": net.without(Residual)}, static=True)]
    ['ours', 'cut']
    """
    if not references:
        raise UsageError("compare needs at least one architecture")
    results = []
    for architecture in _loaded(references, None if input is None else tuple(input), allow_lambda):
        try:
            results.append(Result(architecture, analyze(architecture.graph)))
        except DesignError as error:
            raise error.within(architecture.name) from None
    found = Comparison(_named_apart(results), input=None if input is None else tuple(input))
    return found if static else found.measured(data, seeds, progress)


def _reference(architecture: Architecture, folder: Path) -> str:
    """What a run can load an architecture by; one that has no name of its own is written into the runs' folder."""
    if architecture.reference and architecture.model is None:
        file = Path(architecture.reference.partition(":")[0])
        return (
            architecture.reference.replace(str(file), str(file.resolve()), 1)
            if file.is_file()
            else architecture.reference
        )
    if architecture.tree is None:
        raise UsageError(f"{architecture.name} is a model in memory: save it to a .keras file to have it trained")
    from archlab.training.experiments import folder_name

    file = folder.resolve() / "architectures" / f"{folder_name(architecture.name)}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(to_yaml(architecture.tree), encoding="utf-8")
    return str(file)


def _loaded(
    references: Sequence[Reference | Mapping[str, Reference]], input: tuple[int | None, ...] | None, allow_lambda: bool
) -> Iterator[Architecture]:
    for reference in references:
        if isinstance(reference, Mapping):
            for name, one in reference.items():
                yield replace(load(one, input, allow_lambda=allow_lambda), name=name)
        else:
            yield load(reference, input, allow_lambda=allow_lambda)


def _named_apart(results: list[Result]) -> tuple[Result, ...]:
    """Results with names that differ: `architecture` twice becomes `architecture` and `architecture 2`."""
    names = apart(result.name for result in results)
    return tuple(
        result if name == result.name else replace(result, architecture=replace(result.architecture, name=name))
        for name, result in zip(names, results, strict=True)
    )
