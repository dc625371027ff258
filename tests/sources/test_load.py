from __future__ import annotations

import pytest

from archlab import Conv, Dense, Input, analyze, load
from archlab.errors import ArchlabError, ArgumentError, SourceError, UsageError
from archlab.sources import names
from archlab.zoo import entries


@pytest.mark.parametrize("text", ["resnet50", "ResNet50", "ResNet-50", "res_net_50"])
def test_spelling_of_a_name_is_forgiven(text: str) -> None:
    assert load(text).graph == load(text).graph or len(load(text).graph) == len(load("resnet50").graph)


def test_arguments_are_read_by_the_type_of_their_default() -> None:
    net = load("residual:depth=20, width=16,normalization=none,augmentation=true")
    assert net.graph["conv"].op == Conv(16, kernel=5, padding="valid", bias=True)
    assert analyze(net.graph).depth == 20
    assert net.name == "residual:depth=20, width=16,normalization=none,augmentation=true"


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("residul", "no architecture named 'residul': did you mean residual?"),
        ("", "no architecture named '': choose from baseline, mobilenet_v1, mobilenet_v2, nas201, plain, residual, "
             "resnet101, resnet152, resnet50, vgg16, xception"),
        ("plain:dept=50", "plain has no argument 'dept': did you mean depth?"),
        ("plain:depth=fifty", "plain:depth must be a whole number, got 'fifty'"),
        ("plain:depth", "'plain:depth': arguments are written name=value, as in plain:depth=50, got 'depth'"),
        ("plain:", "'plain:': arguments are written name=value, as in plain:depth=50, got ''"),
        ("plain:depth=51", "plain: depth must be an even number of at least 4 (2 + 2 × blocks), got 51: try 50"),
        ("plain:width=-16", "plain: width must be a whole number of at least 1, got -16"),
        ("residual:normalization=bach", "residual: normalization 'bach' is not known: did you mean batch?"),
        ("residual:conv=depthwise", "residual: convolution 'depthwise' is not known: choose from separable, ordinary"),
        ("residual:augmentation=si", "residual:augmentation must be true or false, got 'si'"),
    ],
)  # fmt: skip
def test_wrong_references_on_their_whole_text(reference: str, message: str) -> None:
    with pytest.raises(ArchlabError) as caught:
        load(reference)
    assert str(caught.value) == message


def test_parts_graphs_and_architectures_are_taken_as_they_are() -> None:
    net = Input(8, 8, 3) >> Conv(4)
    assert load(net).tree is net
    graph = net.to_graph("mine")
    assert load(graph).graph is graph
    assert load(load(net)).tree is net
    assert load(graph, input=(9, 9)).graph.nodes[-1].shape == (9, 9, 4)
    message = "an architecture is needed: a name, a part, a graph, a Keras model or a PyTorch module, got 3"
    with pytest.raises(UsageError, match=message):
        load(3)


def test_another_input_keeps_the_channels_unless_they_are_given() -> None:
    assert load("residual", input=(96, 64)).graph[0].shape == (96, 64, 3)
    assert load("residual", input=(96, 64, 1)).graph[0].shape == (96, 64, 1)


def test_every_architecture_has_a_paper_and_a_summary_and_arguments_with_defaults() -> None:
    assert set(names()) == set(entries())
    for entry in entries().values():
        assert entry.paper and entry.summary.endswith(".")
        assert all(parameter.default is not parameter.empty for parameter in entry.arguments.values())


@pytest.mark.parametrize("depth", [4, 6, 10, 12, 14, 50, 100])
@pytest.mark.parametrize("name", ["plain", "residual"])
def test_depth_is_what_is_asked_for(name: str, depth: int) -> None:
    assert analyze(load(f"{name}:depth={depth},width=8").graph).depth == depth


@pytest.mark.parametrize("normalization", ["batch", "layer", "group", "none"])
@pytest.mark.parametrize("conv", ["separable", "ordinary"])
def test_plain_is_residual_without_its_shortcuts(normalization: str, conv: str) -> None:
    text = f"depth=20,width=8,normalization={normalization},conv={conv}"
    plain, residual = load(f"plain:{text}").graph, load(f"residual:{text}").graph
    kept = [node.op for node in residual if not node.name.endswith(("/add", "/shortcut"))]
    assert [node.op for node in plain] == kept


@pytest.mark.parametrize("name", ["net.h5", "net.json", "net.hdf5"])
def test_models_kept_in_other_ways_say_how_to_save_them(name: str) -> None:
    with pytest.raises(SourceError, match=rf"^{name}: models are read from \.keras files.*model\.save\('net\.keras'\)"):
        load(name)


@pytest.mark.parametrize("layer", [Conv, Dense])
def test_a_misspelt_initializer_is_named(layer: type) -> None:
    assert layer(4, initializer="HeNormal").initializer == "HeNormal"
    with pytest.raises(ArgumentError, match="initializer 'he_norml' is not known: did you mean he_normal"):
        layer(4, initializer="he_norml")
