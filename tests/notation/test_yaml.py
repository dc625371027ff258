"""Architectures as YAML: both ways for everything, and errors that name the line and the key."""

from __future__ import annotations

import textwrap

import jsonschema
import pytest
import yaml
from hypothesis import given

from archlab import Conv, Input, LayerNorm, Part, ReLU, Repeat, Residual, Sequence, load
from archlab.errors import DesignError, ShapeError, SourceError
from archlab.export import to_yaml
from archlab.notation import from_yaml, json_schema, read_document
from archlab.ops import Op
from archlab.sources import names
from tests.strategies import architectures

VALIDATOR = jsonschema.Draft202012Validator(json_schema())
DEEP = ("plain:depth=50,normalization=none", "residual:depth=100,initializer=he_normal,augmentation=true")


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize("reference", [*names(), *DEEP])
def test_the_zoo_both_ways(reference: str) -> None:
    found = load(reference)
    assert found.tree is not None
    text = to_yaml(found.tree, found.name, found.paper)
    document = read_document(text)
    assert document.tree == found.tree
    assert repr(document.tree) == repr(found.tree)
    assert (document.name, document.paper) == (found.name, found.paper)
    VALIDATOR.validate(yaml.safe_load(text))


@given(architectures())
def test_random_architectures_both_ways(net: Part) -> None:
    text = to_yaml(net)
    assert from_yaml(text) == net
    assert repr(from_yaml(text)) == repr(net)
    VALIDATOR.validate(yaml.safe_load(text))


def test_every_operation_can_be_written_and_is_in_the_schema() -> None:
    described = json_schema()["$defs"]
    assert set(Op.registry) <= set(described)
    for name in Op.registry:
        assert described[name]["description"], f"{name} has no docstring"


def test_what_repeats_is_written_once_under_a_name() -> None:
    unit = Conv(8) >> ReLU() >> Conv(8)
    text = to_yaml(Input(8, 8, 8) >> Residual(unit) >> Residual(unit) >> Residual(Conv(8)))
    assert yaml.safe_load(text) == {
        "blocks": {"residual": {"Residual": [{"Conv": 8}, "ReLU", {"Conv": 8}]}},
        "architecture": [{"Input": [8, 8, 8]}, "residual", "residual", {"Residual": {"Conv": 8}}],
    }


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("ReLU", "ReLU()"),
        ("- ReLU", "Sequence((ReLU(),))"),
        ("[]", "Sequence()"),
        ("ReLU: 6", "ReLU(6)"),
        ("ReLU:", "ReLU()"),
        ("ReLU: {}", "ReLU()"),
        ("Rescaling: 1/255", "Rescaling(0.00392156862745098)"),
        ("Rescaling: {scale: [1e-3, 1/4, 2], offset: -1}", "Rescaling((0.001, 0.25, 2), offset=-1)"),
        ("Conv: WIDTH*4", "Conv(WIDTH * 4)"),
        ("Conv: CHANNELS // 2", "Conv(CHANNELS // 2)"),
        ("Conv: {filters: null, kernel: [3, 1]}", "Conv(kernel=(3, 1))"),
        ("ZeroPad: [[0, 1], 2]", "ZeroPad(((0, 1), 2))"),
        ("Input: [null, ~, 3]", "Input(None, None, 3)"),
        ("Block: {Residual: {Conv: 8}}", "Block(Residual(Conv(8)))"),
        ("Block: {body: ReLU, name: 'on'}", "Block(ReLU(), name='on')"),
        ("Parallel: [[], Conv, [ReLU, Conv]]", "Parallel(Sequence(), Conv(), ReLU() >> Conv())"),
        ("Parallel: {branches: [Conv, ReLU], merge: Add}", "Parallel(Conv(), ReLU(), merge=Add())"),
        ("Residual: {body: ReLU, merge: Average}", "Residual(ReLU(), merge=Average())"),
        ("Repeat: {part: [Conv, ReLU], times: 2}", "(Conv() >> ReLU()) * 2"),
        ("Pyramid: {block: Conv, widths: [8, 16], repeats: [1, 2]}", "Pyramid(Conv(), widths=(8, 16), repeats=(1, 2))"),
        ("[&a [Conv: 8, ReLU], *a]", "Conv(8) >> ReLU() >> Conv(8) >> ReLU()"),
    ],
)
def test_ways_of_writing(text: str, code: str) -> None:
    assert repr(from_yaml(text)) == code


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- Konv: 3", "n.yaml:1:3: architecture[1]: no part named 'Konv': did you mean Conv?"),
        ("- Conv:\n    kernal: 3", "n.yaml:2:5: architecture[1].Conv has no argument 'kernal': did you mean kernel?"),
        ("- Conv: {kernel: three}",
         "n.yaml:1:18: architecture[1].Conv.kernel must be a whole number or a list, got three"),
        ("- Conv: {kernel: [3, x]}", "n.yaml:1:22: architecture[1].Conv.kernel[2] must be a whole number, got x"),
        ("- Conv: {padding: sme}", "n.yaml:1:19: architecture[1].Conv.padding: 'sme' is not known: did you mean same?"),
        ("- Conv: {bias: 1}", "n.yaml:1:16: architecture[1].Conv.bias must be true or false or null, got 1"),
        ("- Conv: {filters: -3}",
         "n.yaml:1:19: architecture[1].Conv: filters must be a whole number of at least 1, got -3"),
        ("- Conv: {activation: rellu}",
         "n.yaml:1:22: architecture[1].Conv: activation 'rellu' is not known: did you mean relu or relu6 or prelu?"),
        ("- Dropout", "n.yaml:1:3: architecture[1].Dropout needs its argument 'rate': a number"),
        ("- Add: 3", "n.yaml:1:8: architecture[1].Add takes no arguments, got 3"),
        ("- Input: []", "n.yaml:1:10: architecture[1].Input: Input needs a shape, such as Input(180, 180, 3)"),
        ("- 3", "n.yaml:1:3: architecture[1] must be a part such as ReLU, got 3"),
        ("- {Conv: 3, ReLU: 6}",
         "n.yaml:1:3: architecture[1] must be one part, such as 'Conv: 32', got a mapping of Conv, ReLU"),
        ("- Conv: {kernel: 3, kernel: 5}", "n.yaml:1:21: architecture[1].Conv has 'kernel' twice"),
        ("- Residual: {body: Conv, merge: Block}",
         "n.yaml:1:33: architecture[1].Residual.merge.Block needs its argument 'body': a part such as ReLU"),
        ("- Residual: {body: Conv, merge: [Add]}",
         "n.yaml:1:33: architecture[1].Residual.merge must be an operation such as Add, got Sequence((Add(),))"),
        ("- Repeat: {part: ReLU, times: x}",
         "n.yaml:1:31: architecture[1].Repeat.times must be a whole number, got x"),
        ("archtecture: []", "n.yaml:1:1: the file has no key 'archtecture': did you mean architecture?"),
        ("name: net", "n.yaml:1:1: there is no key 'architecture': a list of parts, beginning with Input"),
        ("name: 3\narchitecture: []", "n.yaml:1:7: name must be text, got 3"),
        ("blocks: {Conv: ReLU}\narchitecture: []", "n.yaml:1:10: blocks.Conv: Conv is the name of a part already"),
        ("blocks: [ReLU]\narchitecture: []", "n.yaml:1:9: blocks must be a mapping of names to parts"),
        ("blocks: {a: b, b: ReLU}\narchitecture: a", "n.yaml:1:13: blocks.a: no part named 'b': choose from"),
        ("blocks: {a: ReLU}\narchitecture: {a: 3}", "n.yaml:2:16: architecture: the block 'a' takes no arguments"),
        ("", "n.yaml: it is empty: write a list of parts, beginning with Input"),
        ("- [", "n.yaml:1:4: invalid YAML: while parsing a flow node expected the node content"),
        ("- *a", "n.yaml:1:3: invalid YAML: found undefined alias 'a'"),
        ("\x00", "n.yaml: invalid YAML: unacceptable character"),
        ("&a [*a]", "n.yaml:1:1: architecture[1] stands inside itself"),
        ("- !!python/object/apply:os.system ['true']",
         "n.yaml:1:3: architecture[1]: the tag !!python/object/apply:os.system is not allowed"),
        ("- Conv: !!python/name:os.system",
         "n.yaml:1:9: architecture[1].Conv.filters: the tag !!python/name:os.system is not allowed"),
        ("- Repeat: {part: ReLU, times: 1000000000}",
         "n.yaml:1:3: architecture[1] becomes 1,000,000,000 layers, more than 100,000: refused"),
    ],
)  # fmt: skip
def test_errors_name_the_line_and_the_key(text: str, message: str) -> None:
    with pytest.raises(SourceError) as caught:
        from_yaml(text, "n.yaml")
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_a_text_without_a_file_is_called_what_it_is() -> None:
    with pytest.raises(SourceError, match=r"^line 2:3: "):
        from_yaml("- ReLU\n- Relu6")


def test_a_design_that_does_not_add_up_names_the_line(tmp_path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(
        textwrap.dedent(
            """
            blocks:
              shrink:
                - Conv: {filters: 16, stride: 2}
            architecture:
              - Input: [32, 32, 3]
              - Conv: 8
              - Residual:
                  body: [shrink, {Conv: 16}]
                  shortcut: [{Conv: 16}]
            """
        )
    )
    with pytest.raises(ShapeError) as caught:
        _ = load(str(path)).graph
    assert str(caught.value) == (
        f"{path}:8: block1/add: cannot add (16, 16, 16) and (32, 32, 16): "
        "the shortcut's stride is 1 and the body's is 2"
    )


def test_a_part_that_is_not_registered_cannot_be_written() -> None:
    class Mine(Part):
        pass

    with pytest.raises(ValueError, match="Mine cannot be written: no part is registered under that name"):
        to_yaml(Sequence((Mine(),)))


def test_repeats_in_repeats_are_counted_before_they_are_made() -> None:
    part: Part = Conv(8)
    for _ in range(10):
        part = Repeat(part, 10)
    with pytest.raises(SourceError, match="becomes 1,000,000 layers, more than 100,000: refused"):
        from_yaml(to_yaml(part))


def test_what_yaml_cannot_say_is_named() -> None:
    part = Input(8, 8, 2) >> LayerNorm(beta_initializer=lambda shape: 0)
    with pytest.raises(DesignError, match="LayerNorm: beta_initializer cannot be written in YAML: a function is no"):
        to_yaml(part)
