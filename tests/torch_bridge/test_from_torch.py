"""Modules as graphs, held to PyTorch: its parameters and FLOP counter, what autograd saves, support of gradients."""

from __future__ import annotations

import copy
import csv
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'archlab[torch]'")
models = pytest.importorskip("torchvision.models")
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from archlab import analyze, compare, diff, lint, load, render  # noqa: E402
from archlab.errors import ShapeError, SourceError, UnknownNameError, UsageError  # noqa: E402
from archlab.torch_bridge import built, from_torch, torchvision_model  # noqa: E402
from tests.benchmarks.receptive_fields import compared  # noqa: E402
from tests.benchmarks.torchvision_counts import counted  # noqa: E402
from tests.torch_bridge import modules  # noqa: E402

QUICK = ("resnet18", "alexnet", "mobilenet_v2", "shufflenet_v2_x0_5", "squeezenet1_1", "mnasnet0_5", "regnet_y_400mf")
SLOW = (
    "resnet50", "vgg16_bn", "googlenet", "inception_v3", "densenet121", "efficientnet_b0", "efficientnet_v2_s",
    "mobilenet_v3_large", "resnext50_32x4d", "wide_resnet50_2", "convnext_tiny", "regnet_x_800mf", "swin_t", "vit_b_32",
    "maxvit_t",
)  # fmt: skip


def _flops(module: Any, shape: tuple[int, ...]) -> int:
    """Multiply–accumulates of products and convolutions as PyTorch counts them, two a FLOP."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(torch.empty(1, *shape, device="meta"))
    return counter.get_total_flops() // 2


@pytest.mark.parametrize("name", [*QUICK, *[pytest.param(name, marks=pytest.mark.slow) for name in SLOW]])
def test_counts_are_those_of_pytorch(name: str) -> None:
    found = torchvision_model(name, {}, name)
    module = found.built.module
    assert all(parameter.is_meta for parameter in module.parameters())
    analysis = analyze(from_torch(module, found.input, found.built.starts))
    assert analysis.params.total == sum(parameter.numel() for parameter in module.parameters())
    assert analysis.compute.macs == _flops(module, found.input)
    assert not analysis.unknown
    # Every parameter's beginning was seen as it was drawn.
    assert len(found.built.starts) == len(list(module.parameters()))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
@pytest.mark.parametrize(
    "name",
    ["squeezenet1_1", "shufflenet_v2_x0_5",
     *[pytest.param(name, marks=pytest.mark.exhaustive)
       for name in ("alexnet", "resnet18", "mobilenet_v2", "mnasnet0_5", "regnet_y_400mf", "swin_t", "vit_b_32")]],
)  # fmt: skip
def test_counts_are_those_of_fvcore(name: str) -> None:
    """Products as fvcore counts them on the running model, and attention in one call, which it leaves out."""
    pytest.importorskip("fvcore", reason="fvcore is not installed: pip install fvcore")
    found = counted(name)
    assert found["fvcore_left"] == 0
    assert found["macs"] == found["torch_macs"] == found["fvcore_products"] + found["fvcore_misses"]
    assert bool(found["fvcore_misses"]) == name.startswith("vit")


@pytest.mark.parametrize("make", [modules.plain, modules.Twice, modules.Windows, modules.Positions, modules.Routed])
def test_our_own_modules_too(make: Any) -> None:
    module = make().eval()
    analysis = analyze(module, input=(3, 64, 64))
    assert analysis.params.total == sum(parameter.numel() for parameter in module.parameters())
    with torch.device("meta"):
        assert analysis.compute.macs == _flops(make().eval(), (3, 64, 64))
    assert not analysis.unknown


def test_products_of_constants_stand_beside_the_graph() -> None:
    analysis = analyze(modules.Positions().eval(), input=(3, 64, 64))
    row = analysis["project/constants"]
    assert (row.macs, row.node.op.detached) == (6 * 8 * 16 * 16, True)
    # The windows are images of their own to the convolution that reads them.
    assert analysis.graph["inside"].op.title == "TimeDistributed(Conv)"
    assert analysis["inside"].macs == 16 * 16 * 8 * 8 * 9


@pytest.mark.parametrize("name", ["plain", "Twice", "Windows", "resnet18", "mobilenet_v2", "squeezenet1_0",
                                  "shufflenet_v2_x0_5", "efficientnet_b0", "convnext_tiny"])  # fmt: skip
def test_saved_activations_are_what_autograd_saves(name: str) -> None:
    torch.manual_seed(0)
    module = getattr(modules, name)() if hasattr(modules, name) else models.get_model(name, weights=None)
    # Between batches of three and of two stands one sample: what is saved for the batch as a whole drops out.
    three, two = (modules.saved_bytes(module, torch.randn(n, 3, 64, 64)) for n in (3, 2))
    assert analyze(module, input=(3, 64, 64)).memory.saved_activations == three - two


class _Linear(torch.nn.Module):
    """A module whose gradient shows all that a unit reads: positive weights, means for maxima, no activation."""

    def __init__(self, module: Any) -> None:
        super().__init__()
        self.module = module
        for parent in list(module.modules()):
            for key, child in list(parent.named_children()):
                if isinstance(child, torch.nn.MaxPool2d):
                    more = {"ceil_mode": child.ceil_mode, "stride": child.stride, "padding": child.padding}
                    setattr(parent, key, torch.nn.AvgPool2d(child.kernel_size, **more))
                elif isinstance(child, torch.nn.BatchNorm2d | torch.nn.ReLU | torch.nn.ReLU6 | torch.nn.Dropout):
                    setattr(parent, key, torch.nn.Identity())
        for parameter in module.parameters():
            torch.nn.init.constant_(parameter, 1.0 if parameter.dim() == 1 else 1.0 / parameter[0].numel())

    def forward(self, x: Any) -> Any:
        return self.module(x)


def _body(name: str) -> Any:
    model = models.get_model(name, weights=None).eval()
    if hasattr(model, "features"):
        return model.features
    children = list(model.named_children())
    return torch.nn.Sequential(*[child for key, child in children if key not in ("avgpool", "fc", "dropout")])


@pytest.mark.parametrize(
    ("name", "size"),
    [("resnet18", 480), ("vgg11", 240), ("alexnet", 256), ("squeezenet1_1", 256), ("mobilenet_v2", 544), ("vgg13", 280),
     pytest.param("resnet34", 960, marks=pytest.mark.slow), pytest.param("resnet50", 480, marks=pytest.mark.slow),
     pytest.param("mnasnet0_5", 640, marks=pytest.mark.slow), pytest.param("vgg19", 384, marks=pytest.mark.slow)],
)  # fmt: skip
def test_receptive_fields_are_the_support_of_gradients(name: str, size: int) -> None:
    body = _body(name)
    row = analyze(body, input=(3, size, size)).receptive_field.layers[-1]
    linear = _Linear(copy.deepcopy(body)).double()
    x = torch.ones(1, 3, size, size, dtype=torch.float64, requires_grad=True)
    made = linear(x)
    at = made.shape[-1] // 2
    (gradient,) = torch.autograd.grad(made[0, :, at, at].sum(), x)
    seen = gradient[0].abs().sum(0).nonzero()
    low, high = int(seen[:, 0].min()), int(seen[:, 0].max())
    assert row.size is not None
    assert row.start is not None
    assert row.stride is not None
    start = row.start[0] + at * row.stride[0]
    assert (low, high) == (max(0, start), min(size - 1, start + row.size[0] - 1))


PUBLISHED = Path(__file__).resolve().parents[3] / "shared" / "data" / "published"


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="the published tables are not part of the project")
@pytest.mark.parametrize(
    ("network", "reference", "padded"),
    [("vgg_a", "torchvision:vgg11", True), ("vgg_16", "torchvision:vgg16", True),
     ("alexnet_v2", "torchvision:alexnet", False), ("inception_v3", "torchvision:inception_v3", True)],
)  # fmt: skip
def test_published_receptive_fields(network: str, reference: str, padded: bool) -> None:
    """Araujo et al. 2019: every end point of TF-Slim's network, in order; AlexNet pads its first layer here."""
    with (PUBLISHED / "receptive_fields.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["network"] == network and not row["resolution"]]
    found = compared(network, rows, reference)
    assert found["met"] == found["end_points"] == len(rows) > 6
    assert found["padding_met"] == (len(rows) if padded else 0)


@pytest.mark.slow
@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="the published tables are not part of the project")
def test_published_counts_of_timm() -> None:
    """A sample of timm's published table, every 27th row: parameters exactly; GMACs as far as both count the same."""
    timm = pytest.importorskip("timm")
    with (PUBLISHED / "timm_inference.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if float(row["param_count_m"]) < 60][3::20]
    known, checked = set(timm.list_models()), 0
    for row in rows[:60]:
        if row["model"] not in known or int(row["image_size"]) > 288:
            continue
        size = int(row["image_size"])
        analysis = analyze(f"timm:{row['model']}", input=(3, size, size))
        millions, giga = float(row["param_count_m"]), float(row["gmacs"])
        assert analysis.params.total / 1e6 == pytest.approx(millions, rel=0.02, abs=0.006), row["model"]
        # The table also counts a product for each element that is normalized or resized, which is little.
        assert analysis.compute.macs / 1e9 <= giga * 1.02 + 0.006, row["model"]
        assert giga <= (analysis.compute.macs + 3 * analysis.compute.flops / 50) / 1e9 * 1.03 + 0.01, row["model"]
        checked += 1
    assert checked > 25


# A module is left as it is.


def test_a_module_is_read_and_left_as_it_is() -> None:
    module = torch.nn.Sequential(modules.Counting(), modules.plain())
    module.train()
    hooked: list[str] = []
    handle = module[0].norm.register_forward_hook(lambda *_: hooked.append("called"))
    before = copy.deepcopy(module.state_dict())
    state = torch.get_rng_state()
    grads = [parameter.grad for parameter in module.parameters()]
    analyze(module, input=(3, 64, 64))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(before[key], value) for key, value in module.state_dict().items())
    assert [parameter.grad for parameter in module.parameters()] == grads
    assert not hasattr(module[0], "last")
    assert module.training
    assert len(module[0].norm._forward_hooks) == 1
    assert not torch.nn.modules.module._global_forward_hooks
    assert not torch.nn.modules.module._global_forward_pre_hooks
    handle.remove()


def test_shared_and_unused_weights_are_counted_once() -> None:
    graph = load(modules.Twice(), input=(3, 32, 32)).graph
    assert graph["shared"].layer == graph["shared_2"].layer
    assert [node.name for node in graph if node.op.detached] == ["unused/weight", "unused/bias"]


def test_frozen_parameters_and_their_type_are_known() -> None:
    module = modules.plain().half()
    module[0].weight.requires_grad_(False)
    analysis = analyze(module, input=(3, 64, 64))
    assert analysis.params.total - analysis.params.trainable == module[0].weight.numel()
    assert analysis.graph["0"].dtype == "float16"


def test_permutations_that_only_move_channels_are_no_nodes() -> None:
    graph = load("torchvision:convnext_tiny").graph
    assert not [node.name for node in graph if "permute" in node.name]
    assert {node.op.title for node in graph if node.name.startswith("features/1/0/")} >= {"DepthwiseConv", "LayerNorm"}


def test_names_and_scopes_are_the_authors() -> None:
    graph = load("torchvision:resnet18").graph
    node = graph["layer2/0/downsample/0"]
    scope = node.scope
    assert scope is not None
    assert (scope.path, scope.parent and scope.parent.path) == ("layer2/0/downsample", "layer2/0")
    assert [(scope.parent.parent.path, scope.parent.parent.kind)] == [("layer2", "stage")]  # pyright: ignore


def test_weights_begin_as_they_are_drawn() -> None:
    starts = {node.name: node.op.initializer for node in load("torchvision:resnet18").graph if node.op.title == "Conv"}
    assert '"mode": "fan_out", "scale": 2.0' in starts["conv1"]
    made = built(lambda: torch.nn.Conv2d(3, 8, 3))
    live = torch.nn.Conv2d(64, 64, 3)
    assert made.starts[id(made.module.weight)].stddev == pytest.approx((1 / (3 * 27)) ** 0.5)
    assert '"scale": 0.333333' in load(live, input=(64, 8, 8)).graph["conv2d"].op.initializer


# What cannot be read says so in one line.


def test_control_flow_that_depends_on_data() -> None:
    with pytest.raises(SourceError, match=r"Branching: .*asks for the values of a tensor \(__bool__\)"):
        analyze(modules.Branching(), input=(3, 8, 8))


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: load(modules.Twice()), UsageError, r"does not say what it takes: give it, input=\(3, 224, 224\)"),
        (lambda: analyze(modules.Twice(), input=(32, 32, 3)), UsageError, r"channels first: give input=\(3, 32, 32\)"),
        (lambda: analyze(modules.Twice(), input=(3, None, 3)), UsageError, "read for one size"),
        (lambda: analyze(modules.Twice(), input=(4, 32, 32)), ShapeError, "Twice: "),
        (lambda: analyze(modules.Twice(), input=(3, 0, 3)), UsageError, "at least 1"),
        (lambda: load("torchvision:resnet55"), UnknownNameError, "did you mean resnet50"),
        (lambda: load("timm:resnet55"), UnknownNameError, "did you mean"),
        (lambda: load("torchvision:resnet18:depth=3"), UnknownNameError, "has no argument 'depth'"),
    ],
)
def test_bad_input_is_one_line(make: Any, error: type[Exception], text: str) -> None:
    pytest.importorskip("timm")
    with pytest.raises(error, match=text) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_a_function_without_a_rule_is_unknown_by_name() -> None:
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1), torch.nn.LPPool2d(2, 2))
    analysis = analyze(module, input=(3, 8, 8))
    assert analysis.memory.unknown
    assert any("lp_pool2d has no rule" in node.op.unknown_because() for node in analysis.graph)


# What is done with graphs is done with these.


def test_another_input_is_read_anew() -> None:
    assert load("torchvision:alexnet").with_input((96, 96)).graph["avgpool"].op.title == "adaptive_avg_pool2d"
    small = load("torchvision:resnet18", input=(64, 48))
    assert small.graph.nodes[0].shape == (64, 48, 3)
    assert load("torchvision:resnet18", input=(64, 48, 3)).graph.nodes[0].shape == (64, 48, 3)
    assert load("torchvision:resnet18", input=(3, 64, 48)).graph.nodes[0].shape == (64, 48, 3)


def test_everything_else_takes_modules() -> None:
    assert diff("torchvision:resnet18", "timm:resnet18").identical is not None
    found = compare("torchvision:resnet18", modules.Twice(), static=True, input=(3, 64, 64))
    assert len(found.results) == 2
    assert render(modules.plain(), input=(3, 64, 64)).svg.startswith("<")
    assert isinstance(list(lint(modules.plain(), input=(3, 64, 64))), list)


def test_the_same_network_in_two_libraries_is_the_same() -> None:
    pytest.importorskip("timm")
    found = diff("torchvision:resnet50", "timm:resnet50")
    assert not found.added
    assert not found.removed
    assert sum(row.params or 0 for row in found) == 0
