"""Parameters, operations, memory and depth against Keras, TensorFlow's profiler and backward pass, and papers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archlab import (
    ELU,
    Activation,
    Add,
    AlphaDropout,
    Average,
    AvgPool,
    BatchNorm,
    Concatenate,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GaussianDropout,
    GaussianNoise,
    GlobalAvgPool,
    Graph,
    GroupNorm,
    Input,
    LayerNorm,
    LeakyReLU,
    Maximum,
    MaxPool,
    Minimum,
    Multiply,
    Node,
    Normalization,
    Parallel,
    Part,
    PReLU,
    ReLU,
    Rescaling,
    Residual,
    SeparableConv,
    Sequence,
    Softmax,
    SpatialDropout,
    Stage,
    Subtract,
    Upsample,
    analyze,
    load,
    to_keras,
)
from archlab.analysis import State
from archlab.analysis.static import depth, memory
from archlab.graph import Shape, elements
from archlab.ops import Op
from archlab.ops._activation import SAVING
from archlab.units import ACTIVATION_FLOPS, BYTES_PER_ELEMENT
from tests.oracles import profiler
from tests.strategies import architectures

# numbers.md: parameters, trainable ones, conv + dense MACs, tf.profiler's float operations.
PUBLISHED = {
    "baseline": (991_041, 991_041, 415_288_960, 834_356_257),
    "residual": (721_857, 718_849, 383_028_992, 777_863_329),
    "vgg16": (138_357_544, 138_357_544, 15_470_264_320, 30_960_211_824),
    "resnet50": (25_636_712, 25_636_712 - 53_120, 3_857_973_248, 7_755_299_312),
    "resnet152": (60_419_944, None, 11_282_415_616, 22_646_426_096),
    "xception": (22_910_480, 22_910_480 - 54_528, 8_357_403_496, 16_773_724_144),
    "mobilenet_v1": (4_253_864, 4_253_864 - 21_888, None, None),
    "mobilenet_v2": (3_538_984, 3_538_984 - 34_112, 300_774_272, 615_292_208),
}


@pytest.mark.parametrize(("name", "expected"), PUBLISHED.items())
def test_published_numbers(name: str, expected: tuple[int, int | None, int | None, int | None]) -> None:
    found = analyze(load(name).graph)
    total, trainable, macs, flops = expected
    assert found.params.total == total
    assert trainable is None or found.params.trainable == trainable
    assert macs is None or found.compute.macs == macs
    # Comparisons and activations are not in tf.profiler's count: never more than 3 % of these nets.
    assert flops is None or 1 <= (found.compute.flops or 0) / flops < 1.03


def test_flops_of_the_baseline_are_those_of_the_profiler_but_for_what_it_leaves_out() -> None:
    graph = load("baseline").graph
    ours = analyze(graph).compute.flops or 0
    for node in graph:
        # It has no rule for relu and sigmoid, and counts k² comparisons for a maximum of k², one too many.
        activation = getattr(node.op, "activation", None)
        ours -= ACTIVATION_FLOPS[activation] * elements(node.shape) if activation else 0
        ours += elements(node.shape) if isinstance(node.op, MaxPool) else 0
    assert ours == 834_356_257


@pytest.mark.slow
@pytest.mark.parametrize("name", ["baseline", "residual", "mobilenet_v2", "resnet50"])
def test_flops_against_the_profiler_itself(name: str) -> None:
    graph = load(name).graph
    theirs = profiler.float_operations(to_keras(graph))
    assert theirs == PUBLISHED[name][3]
    assert 1 <= (analyze(graph).compute.flops or 0) / theirs < 1.03


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Keras's models on their way through NumPy
@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("vgg16", "VGG16"),
        ("resnet50", "ResNet50"),
        ("resnet101", "ResNet101"),
        ("resnet152", "ResNet152"),
        ("xception", "Xception"),
        ("mobilenet_v1", "MobileNet"),
        ("mobilenet_v2", "MobileNetV2"),
    ],
)
def test_the_zoo_is_keras_applications_weight_by_weight(name: str, theirs: str) -> None:
    import keras

    model = getattr(keras.applications, theirs)(weights=None)
    graph = load(name).graph
    ours = [weight.shape for node in graph for weight in node.op.weights(*graph.input_shapes(node))]
    assert sorted(ours) == sorted(tuple(weight.shape) for weight in model.weights)
    found = analyze(graph)
    assert found.params.total == model.count_params()
    assert found.params.trainable == sum(int(np.prod(w.shape)) for w in model.trainable_weights)
    # The maps between the layers with weights are the same too, in whatever order the branches are listed.
    maps = sorted(node.shape for node in graph if node.op.weights(*graph.input_shapes(node)))
    assert maps == sorted(tuple(layer.output.shape[1:]) for layer in model.layers if layer.weights)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("baseline", 6), ("residual", 12), ("plain:depth=50", 50), ("residual:depth=20", 20), ("vgg16", 16),
     ("resnet50", 50), ("resnet101", 101), ("resnet152", 152), ("mobilenet_v1", 28)],
)  # fmt: skip
def test_depth_is_what_the_papers_call_it(name: str, expected: int) -> None:
    assert depth(load(name).graph) == expected


def saved_by_tensorflow(net: Part | Graph) -> int:
    """What TensorFlow carries to the backward pass; of the batch itself what no trainable weight reads is nothing."""
    return profiler.saved_for_backward(to_keras(net))


@pytest.mark.parametrize("name", ["baseline", "residual", "plain:depth=20"])
def test_saved_activations_are_those_that_tensorflow_carries(name: str) -> None:
    graph = load(name).graph
    assert analyze(graph).memory.saved_activations == saved_by_tensorflow(graph)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    ["mobilenet_v2", *[pytest.param(name, marks=pytest.mark.exhaustive) for name in ("vgg16", "resnet50", "xception")]],
)
def test_saved_activations_of_large_nets(name: str) -> None:
    graph = load(name).graph
    assert analyze(graph).memory.saved_activations == saved_by_tensorflow(graph)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["ConvNeXtTiny", "MobileNetV3Small",
             *[pytest.param(name, marks=pytest.mark.exhaustive)
               for name in ("DenseNet121", "EfficientNetB0", "EfficientNetV2B0", "InceptionResNetV2", "NASNetMobile")]]
)  # fmt: skip
def test_saved_activations_of_keras_applications(name: str) -> None:
    import keras

    model = getattr(keras.applications, name)(weights=None, input_shape=(224, 224, 3))
    assert analyze(model).memory.saved_activations == profiler.saved_for_backward(model)


def _kept_in_between() -> st.SearchStrategy[Part]:
    """A layer that only its own composition of TensorFlow's operations decides the saved activations of."""
    rate, slope = st.sampled_from((0.0, 0.3)), st.sampled_from((0.0, 0.1))
    names = st.sampled_from([name for name in SAVING if name not in ("prelu", "softmax")])
    return st.one_of(
        names.map(Activation),
        st.builds(Conv, st.just(6), kernel=st.sampled_from((1, 3)), bias=st.booleans(), activation=names),
        st.builds(SeparableConv, st.just(6), activation=names),
        st.builds(Dense, st.just(6), activation=names),
        st.builds(ReLU, st.sampled_from((None, 4.0, 6.0)), slope, st.sampled_from((0.0, 0.2))),
        st.builds(LeakyReLU, st.sampled_from((0.1, 0.3))),
        st.builds(ELU, st.sampled_from((1.0, 0.5))),
        st.builds(PReLU, st.sampled_from((None, (1, 2)))),
        st.builds(Softmax, st.just(-1)),
        st.builds(BatchNorm, center=st.booleans(), scale=st.booleans()),
        st.builds(LayerNorm, center=st.booleans(), scale=st.booleans()),
        st.builds(GroupNorm, st.sampled_from((1, 2, 3)), center=st.booleans(), scale=st.booleans()),
        st.builds(Dropout, rate, st.sampled_from((None, (1, 2), (1, 2, 3)))),
        st.sampled_from((SpatialDropout, AlphaDropout, GaussianDropout)).flatmap(lambda kind: st.builds(kind, rate)),
        st.builds(GaussianNoise, rate),
        st.builds(Rescaling, st.just(0.5)),
        st.builds(Normalization, st.just(0.5), st.just(2.0)),
        st.builds(Upsample, st.just(2), st.sampled_from(("nearest", "bilinear"))),
        st.builds(MaxPool, st.just(2)),
        st.builds(AvgPool, st.just(2)),
    )


@st.composite
def _saving(draw: st.DrawFn) -> Part:
    """Layers one behind the other and in branches, between two convolutions."""
    merge = st.sampled_from((Add, Subtract, Multiply, Average, Maximum, Minimum, Concatenate))
    body: Part = Sequence()
    for layer in draw(st.lists(_kept_in_between(), min_size=1, max_size=4)):
        if isinstance(layer, MaxPool | AvgPool | Upsample) or draw(st.booleans()):
            body >>= layer
        else:
            body >>= Parallel(layer >> Conv(6, kernel=1), Conv(6, kernel=3), merge=draw(merge)())
    return Input(12, 12, 3) >> Conv(6) >> body >> Conv(6)


@given(_saving())
def test_saved_activations_of_random_nets(net: Part) -> None:
    assert analyze(net).memory.saved_activations == saved_by_tensorflow(net)


def test_every_activation_says_what_is_saved_of_it() -> None:
    assert SAVING.keys() == ACTIVATION_FLOPS.keys()


def brute_force_peak(graph: Graph) -> int:
    """The most bytes alive at once, straight from the definition: made before, and still to be read."""
    owner: list[int] = []
    for i, node in enumerate(graph):
        owner.append(owner[node.inputs[0]] if node.inputs and node.op.is_view(training=False) else i)
    most = 0
    for now in range(len(graph)):
        alive = set()
        for i in range(now + 1):
            readers = [j for j, node in enumerate(graph) if any(owner[s] == owner[i] for s in node.inputs)]
            if owner[i] == owner[now] or i in graph.outputs or any(j >= now for j in readers):
                alive.add(owner[i])
        most = max(most, sum(elements(graph.nodes[i].shape) * BYTES_PER_ELEMENT[graph.nodes[i].dtype] for i in alive))
    return most


@given(architectures())
def test_peak_memory_is_the_definition(net: Part) -> None:
    graph = net.to_graph()
    assert memory(graph).peak_inference == brute_force_peak(graph)


def test_peak_memory_by_hand() -> None:
    # While the second convolution runs: its input, its output, and the shortcut's copy of what came in.
    graph = (Input(8, 8, 4) >> Residual(Conv(4, bias=False) >> Conv(4, bias=False))).to_graph()
    found = memory(graph)
    assert (found.peak_inference, found.peak_at) == (3 * 8 * 8 * 4 * 4, "block1/conv_2")


@pytest.mark.parametrize("name", ["SGD", "RMSprop", "Adam", "AdamW"])
def test_optimizer_slots_are_those_of_keras(name: str) -> None:
    import keras

    net = load("residual").graph
    optimizer = getattr(keras.optimizers, name)()
    model = to_keras(net)
    optimizer.build(model.trainable_variables)
    slots = [v for v in optimizer.variables if len(v.shape) and "iteration" not in v.name]
    theirs = sum(int(np.prod(v.shape)) * 4 for v in slots)
    assert analyze(net).memory.optimizer[name.lower()] == theirs


def test_layers_blocks_and_stages_add_up_to_the_total() -> None:
    found = analyze(load("residual").graph)
    for result, fields in ((found.params, ("total", "trainable", "bytes")), (found.compute, ("macs", "flops"))):
        for name in fields:
            total = getattr(result, name)
            assert sum(getattr(row, name) for row in result.layers) == total
            assert sum(getattr(row, name) for row in result.stages.values()) == total
            assert sum(getattr(row, name) for row in result.blocks.values()) == total
    assert list(found.params.stages) == ["stem", "stage1", "stage2", "stage3", "stage4", "stage5", "head"]
    assert sum(row.kept or 0 for row in found.memory.layers) == found.memory.saved_activations
    assert max(row.live or 0 for row in found.memory.stages.values()) == found.memory.peak_inference


def test_a_training_step_costs_three_times_the_forward_pass_less_the_first_layers_input_gradient() -> None:
    graph = (Input(8, 8, 3) >> Conv(4, bias=False) >> Conv(4, bias=False)).to_graph()
    first, second = (analyze(graph).compute.layers[i].flops or 0 for i in (1, 2))
    assert analyze(graph).compute.training_flops == 2 * first + 3 * second


def test_a_shared_layer_is_counted_once_and_worked_twice() -> None:
    conv = Conv(3, bias=False)
    nodes = (
        Node("input", Input(8, 8, 3), (), (8, 8, 3), layer="input"),
        Node("conv", conv, (0,), (8, 8, 3), layer="conv"),
        Node("again", conv, (1,), (8, 8, 3), layer="conv"),
        Node("add", Add(), (1, 2), (8, 8, 3), layer="add"),
    )
    found = analyze(Graph(nodes, (3,)))
    assert found.params.total == 81
    assert found.compute.macs == 2 * 8 * 8 * 81
    assert to_keras(found.graph).count_params() == 81


def test_what_depends_on_an_unknown_size_is_none_and_says_so() -> None:
    found = analyze(Input(None, None, 3) >> Conv(4) >> GlobalAvgPool() >> Dense(2))
    assert found.params.total == 3 * 3 * 3 * 4 + 4 + 4 * 2 + 2
    assert (found.compute.macs, found.compute.flops, found.memory.peak_inference) == (None, None, None)
    assert found.compute.unsized == ("conv", "global_avg_pool")
    assert found.compute.layers[1].state is State.UNSIZED


@dataclass(frozen=True, repr=False)
class Mystery(Op, abstract=True):
    """An operation that says what shape comes out, and nothing else."""

    def output(self, *inputs: Shape) -> Shape:
        return inputs[0]


@pytest.fixture
def mysterious() -> Part:
    return Input(8, 8, 3) >> Conv(4) >> Stage(Mystery() >> ReLU()) >> Conv(2, stride=2)


def test_an_operation_without_a_rule_is_unknown_and_never_nothing(mysterious: Part) -> None:
    found = analyze(mysterious)
    known = analyze(Input(8, 8, 3) >> Conv(4) >> ReLU() >> Conv(2, stride=2))
    missing = ["params", "compute", "memory", "receptive_field"]
    assert found.unknown == ({"name": "stage1/mystery", "op": "Mystery", "missing": missing, "why": ""},)
    assert (
        found.params.layers[2].state is found.compute.layers[2].state is found.memory.layers[2].state is State.UNKNOWN
    )
    assert found.compute.layers[2].macs is None
    # What is known still counts: a lower bound.
    assert (found.params.total, found.compute.macs) == (known.params.total, known.compute.macs)
    assert found.params.stages["stage1"].state is State.UNKNOWN
    assert found.receptive_field.layers[-1].state is State.UNKNOWN
    assert found.receptive_field.last is not None and found.receptive_field.last.size == (5, 5)
    # Free and counted stay what they are.
    assert found.compute.layers[0].state is State.FREE and found.compute.layers[1].state is State.COUNTED


def test_every_operation_of_ours_has_all_its_rules() -> None:
    examples = load("residual:augmentation=true").graph
    for node in examples:
        shapes = examples.input_shapes(node)
        assert node.op.weights(*shapes) is not None
        assert node.op.cost(shapes, node.shape) is not None
        assert node.op.window(*shapes) is not None
        assert node.op.kept(shapes, node.shape) is not None


@given(architectures())
def test_nothing_is_unknown_in_random_architectures(net: Part) -> None:
    found = analyze(net)
    # The centre of a crop of an image smaller than it, and an image stretched by a cubic, have no field.
    fields = {entry["name"] for entry in found.unknown if entry["missing"] != ["receptive_field"]}
    assert fields == set()


def test_a_separable_convolution_keeps_what_flows_between_its_halves() -> None:
    separable = analyze(Input(8, 8, 4) >> SeparableConv(16, bias=False)).memory
    theirs = saved_by_tensorflow(Input(8, 8, 4) >> SeparableConv(16, bias=False))
    assert separable.saved_activations == theirs == 4 * (8 * 8 * 4 + 8 * 8 * 4)


def test_nothing_is_saved_before_the_first_weight_and_of_dropout_its_mask_is() -> None:
    found = analyze(Input(4, 4, 2) >> MaxPool(2) >> Flatten() >> Dense(3, activation="relu") >> Dropout(0.5))
    kept = {row.name: row.kept for row in found.memory.layers}
    assert kept == {"input": 0, "max_pool": 4 * 8, "flatten": 0, "dense": 4 * 3, "dropout": 3}


def test_dtype_of_the_input_decides_its_bytes() -> None:
    graph = (Input(8, 8, 3, dtype="uint8") >> Activation("relu")).to_graph()
    assert memory(graph).layers[0].output == 8 * 8 * 3


def test_batch_norm_is_no_layer_of_depth() -> None:
    assert depth((Input(8, 8, 3) >> (Conv(3) >> BatchNorm() >> ReLU()) * 3).to_graph()) == 3
