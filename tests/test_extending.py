"""What it takes to add something: one file each, and it is found everywhere."""

from __future__ import annotations

import json
import re
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import archlab
from archlab import Conv, Dense, GlobalAvgPool, Input, ReLU
from archlab.analysis import QUANTITIES, Quantity, Value
from archlab.analysis.quantities import Subject
from archlab.comparison import sort_keys
from archlab.graph import Shape
from archlab.lint import Found, Rule, all_rules, findings
from archlab.ops import Op
from archlab.rendering import colors
from archlab.report import to_csv, to_latex, to_markdown, to_text
from archlab.sources import KINDS, Architecture, Options
from archlab.units import COUNT

NET = Input(16, 16, 3) >> Conv(4) >> ReLU() >> GlobalAvgPool() >> Dense(2)


def _elements(subject: Subject) -> list[Value]:
    found = []
    for node in subject.analysis.graph:
        size = 1
        for axis in node.shape:
            size *= axis or 0
        found.append(Value(size))
    return found


@pytest.fixture
def elements() -> Iterator[Quantity]:
    """A quantity, added as a file of its own would: the numbers in all outputs."""
    yield QUANTITIES.add(
        Quantity(
            "elements",
            "output elements",
            COUNT,
            "Numbers in the layers' outputs, for one sample.",
            whole=lambda subject: Value(sum(int(str(value.number)) for value in _elements(subject))),
            layers=_elements,
            better="lower",
            differs=True,
        ),
        after="flops",
    )
    QUANTITIES.remove("elements")


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """The command line, called in this process."""
    from archlab_cli.main import run

    def call(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return call


TOTAL = 16 * 16 * 3 + 2 * 16 * 16 * 4 + 4 + 2


def test_a_quantity_is_found_everywhere(elements: Quantity, cli, tmp_path: Path) -> None:
    net = tmp_path / "net.yaml"
    net.write_text(archlab.to_yaml(NET))
    found = archlab.compare({"a": NET, "b": NET.replace(Conv(4), Conv(8))}, static=True)
    for write in (to_text, to_markdown, to_latex):
        assert "output elements" in write(found.report()) and "2.82 k" in write(found.report())
    assert found.to_dict()["architectures"][0]["elements"] == TOTAL
    assert f",{TOTAL}" in to_csv(found.report()) and "elements" in to_csv(found.report()).splitlines()[0]
    assert "output elements +72.7 %" in str(found)
    assert "output elements" in found.to_html() and f'data-v="{TOTAL}"' in found.to_html()
    assert "elements" in sort_keys() and [each.name for each in found.sorted("elements")] == ["a", "b"]
    assert "elements" in colors() and "output elements" in archlab.render(NET, "layer", color="elements").svg
    analysis = archlab.analyze(NET)
    assert analysis["conv"].elements == analysis.layers[1]["elements"].number == 16 * 16 * 4
    assert {layer["elements"] for layer in analysis.layers.to_dict()} == {768, 1024, 4, 2}
    assert "output elements" in str(archlab.diff(NET, NET))
    for form in ("table", "csv", "json", "latex", "html"):
        code, out, _ = cli("show", net, "--format", form)
        assert code == 0 and ("elements" in out)
    code, out, _ = cli("show", net, "--by", "stage", "--format", "json", "--share")
    assert json.loads(out)["stages"][0]["elements"] == TOTAL and json.loads(out)["stages"][0]["elements_share"] == 1.0
    code, out, _ = cli("compare", net, "--static", "--sort", "elements", "--format", "csv")
    assert code == 0 and "elements" in out.splitlines()[0]


def test_a_table_of_pandas_has_it_too(elements: Quantity) -> None:
    pandas = pytest.importorskip("pandas", reason="to_pandas needs pandas, which is no dependency")
    table = archlab.analyze(NET).to_pandas()
    assert isinstance(table, pandas.DataFrame) and table["elements"].sum() == TOTAL
    # Columns are called as the quantities are, whatever the key that they have in JSON.
    assert {each.name for each in QUANTITIES.of_layers() if each.name in archlab.analyze(NET)[0].values} <= {*table}
    assert {"saved_activations", "params", "macs", "receptive_field"} <= {*table} and "kept_bytes" not in table


def test_a_source_is_an_entry_in_one_place() -> None:
    class Loader:
        """Architectures by a number: so many convolutions."""

        @staticmethod
        def claims(reference: str) -> bool:
            return reference.startswith("depth=")

        @staticmethod
        def load(reference: str, options: Options) -> Architecture:
            depth = int(reference.removeprefix("depth="))
            assert not options.allow_lambda
            return Architecture(reference, reference, Input(8, 8, 3) >> Conv(4) * depth)

    KINDS.append(Loader)
    try:
        assert archlab.analyze("depth=3").depth == archlab.load("depth=3").graph.nodes[-1].shape[-1] - 1 == 3
        assert archlab.compare("depth=2", static=True)["depth=2"].analysis.depth == 2
        assert "filters" in archlab.to_python("depth=2") or "Conv2D" in archlab.to_python("depth=2")
    finally:
        KINDS.remove(Loader)


def test_a_rule_is_an_object_in_one_place() -> None:
    def shallow(context):
        if context.analysis.depth < 3:
            yield Found("fewer than three weighted layers.")

    all_rules().add(Rule("X101", "shallow", "warning", shallow))
    try:
        found = archlab.compare({"net": NET}, static=True)
        assert "shallow" in [each.rule for each in findings(found.results)]
        assert "X101" in archlab.lint(NET).codes
        assert "net: X101 fewer than three weighted layers." in str(found) and "shallow" in found.to_html()
    finally:
        all_rules().remove("X101")


def test_an_op_is_one_class() -> None:
    @dataclass(frozen=True, repr=False)
    class Swap(Op, abstract=True):
        """Channels in another order: moves data, computes nothing."""

        free = True

        def output(self, *inputs: Shape) -> Shape:
            return inputs[0]

        def weights(self, *inputs: Shape):
            return ()

    found = archlab.analyze(Input(8, 8, 4) >> Swap() >> Conv(4))
    assert found["swap"].params == found["swap"].macs == 0 and not found.params.unknown
    assert "Swap" in str(found.layers) and "Swap" in archlab.render(found.graph, "layer").svg


PAGE = (Path(__file__).parents[1] / "docs" / "how-to" / "add-a-layer.md").read_text(encoding="utf-8")


@pytest.fixture
def blur_pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The page's file, in a folder of one's own."""
    (tmp_path / "blur_pool.py").write_text(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0], encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    registered = set(Op.registry)
    yield
    sys.modules.pop("blur_pool")
    for name in set(Op.registry) - registered:
        del Op.registry[name]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Keras's own use of NumPy
@pytest.mark.usefixtures("blur_pool")
def test_the_page_on_adding_a_layer_works_as_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Dataclasses look their annotations up in the module they stand in.
    page = types.ModuleType("page")
    monkeypatch.setitem(sys.modules, "page", page)
    blocks = re.findall(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```\n)?", PAGE, re.DOTALL)
    assert sum(bool(shown) for _, shown in blocks) == 7
    for code, shown in blocks[1:]:
        exec(compile(code, "page", "exec"), vars(page))
        printed = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
        # The gradients are those of a machine.
        assert [re.sub(r" \d\.\de-\d\d$", "", line) for line in printed] == [
            re.sub(r" \d\.\de-\d\d$", "", line) for line in shown.splitlines()
        ]
