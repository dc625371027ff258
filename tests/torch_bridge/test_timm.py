"""A sample of timm's models: parameters and MACs against PyTorch's own counts, and against the published table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'archlab[torch]'")
timm = pytest.importorskip("timm", reason="timm is not installed: pip install timm")
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from archlab import analyze  # noqa: E402
from archlab.torch_bridge import from_torch, timm_model  # noqa: E402

SMALL = (
    "mobilenetv3_small_050", "lcnet_050", "tinynet_e", "ghostnet_100", "ghostnetv3_050", "mobileone_s0", "repvgg_a0",
    "resnet10t", "resnet18", "eca_resnext26ts", "skresnet18", "seresnet18", "nf_regnet_b0", "regnety_002",
    "efficientnet_cc_b0_4e", "edgenext_xx_small", "convnext_atto", "mambaout_femto", "starnet_s1", "dla46_c",
    "mobilevit_xxs", "levit_128s", "efficientvit_m0", "gcvit_xxtiny", "hardcorenas_a", "mixnet_s", "semnasnet_075",
    "botnet26t_256", "lambda_resnet26t", "test_resnet",
)  # fmt: skip
"""One of each family whose layers are its own, the smallest: those that were once read wrongly are among them."""
LARGE = (
    "densenet121", "inception_v3", "xception41", "vgg11_bn", "dpn68", "hrnet_w18_small", "res2net50_14w_8s",
    "cspresnet50", "darknet53", "gernet_s", "selecsls42", "rexnet_100", "regnetx_016", "resnest14d", "nfnet_f0",
    "tresnet_m", "convmixer_1024_20_ks9_p14", "focalnet_tiny_srf", "halonet26t", "haloregnetz_b", "coatnet_nano_rw_224",
    "poolformer_s12", "fastvit_t8", "repghostnet_050", "inception_next_tiny", "visformer_tiny", "swinv2_cr_tiny_224",
    "mixer_b16_224", "xcit_nano_12_p16_224", "bat_resnext26ts",
)  # fmt: skip


@pytest.mark.parametrize(
    "name",
    [*[pytest.param(name, marks=pytest.mark.slow) if n > 7 else name for n, name in enumerate(SMALL)],
     *[pytest.param(name, marks=pytest.mark.exhaustive) for name in LARGE]],
)  # fmt: skip
def test_counts_are_those_of_pytorch(name: str) -> None:
    found = timm_model(name, {}, name)
    module: Any = found.built.module
    analysis = analyze(from_torch(module, found.input, found.built.starts))
    assert analysis.params.total == sum(parameter.numel() for parameter in module.parameters())
    module = module.to("meta").requires_grad_(False)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(torch.empty(1, *found.input, device="meta"))
    assert analysis.compute.macs == counter.get_total_flops() // 2
    # What is not known is at most where layers look.
    assert all("params" not in each["missing"] for each in analysis.unknown)


KEPT = Path(__file__).resolve().parents[2] / "docs" / "results" / "timm.jsonl"


def test_the_kept_results_have_no_difference_without_an_explanation() -> None:
    """Every convolutional model of the published table that was read: as many as numel says, and MACs explained."""
    rows = [json.loads(line) for line in KEPT.read_text(encoding="utf-8").splitlines()]
    read = [row for row in rows if row.get("kind") == "convolutional"]
    assert len({row["model"] for row in read}) >= 500
    assert [row["model"] for row in read if row["parameters"] != row["numel"]] == []
    assert [row["model"] for row in read if row["explained"] == "unexplained"] == []
    differing = [row for row in read if row["macs"] != row["torch_macs"]]
    assert [row["model"] for row in differing if not row["unknown"]] == []
