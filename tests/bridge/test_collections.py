"""Models of published collections, with the numbers of Keras and TensorFlow; see `tests.benchmarks.collections`."""

from __future__ import annotations

import pytest

from tests.collection_models import models
from tests.oracles.collections import compared

pytestmark = pytest.mark.filterwarnings("ignore")  # the collections' own


@pytest.mark.parametrize(
    ("collection", "name"),
    [
        ("keras_hub", "VGG"),
        ("keras_hub", "MobileNetV3"),
        ("keras_hub", "HGNetV2"),
        ("keras_hub", "MiT"),
        ("keras_hub", "ViTDet"),
        ("keras_hub", "SwinTransformer"),
        ("keras_hub", "BERT"),
        ("keras_hub", "GPT-2"),
        ("kimm", "MobileOneS0"),
        ("keras_unet_collection", "unet_3plus_2d"),
    ],
)
def test_numbers_are_those_of_keras_and_tensorflow(collection: str, name: str) -> None:
    pytest.importorskip(collection, reason=f"{collection} is not installed")
    found = compared(models(collection)[name](), largest=0)
    assert found.unknown == ()
    assert found.same_parameters and found.same_macs
