"""Models of collections that strangers publish, small: keras-hub, kimm and keras-unet-collection.

None of them is needed by the project. `models("keras_hub")` gives the names of those that are installed, each with a
function that builds the model from its class's own constructor, without any download.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

COLLECTIONS = ("keras_hub", "kimm", "keras_unet_collection")
LENGTH = 12
"""Of a sequence whose length a model leaves open."""
IMAGE = (64, 64, 3)

Build = Callable[[], Any]


def models(collection: str) -> dict[str, Build]:
    """Every model of a collection by its name.

    Raises:
        ImportError: the collection is not installed.
    """
    return {"keras_hub": keras_hub, "kimm": kimm, "keras_unet_collection": keras_unet_collection}[collection]()


def fixed(model: Any, sizes: dict[str, int] | None = None) -> Any:
    """A model as it is called on tensors of known sizes: where it leaves one open, `LENGTH` or that of the input.

    The first size that an input leaves open is that of `sizes`; in images the others are as large.
    """
    import keras

    if all(None not in tensor.shape[1:] for tensor in model.inputs):
        return model
    structure = model.input if isinstance(model.input, dict) else {tensor.name: tensor for tensor in model.inputs}
    inputs = {
        name: keras.Input(
            [(sizes or {}).get(name, LENGTH) if size is None else size for size in tensor.shape[1:]],
            dtype=tensor.dtype,
            name=name,
        )
        for name, tensor in structure.items()
    }
    outputs = model(inputs if isinstance(model.input, dict) else list(inputs.values()))
    return keras.Model(inputs, outputs)


def batch(model: Any, samples: int = 2) -> Any:
    """Arrays as the model takes them: ids from a small vocabulary, masks that leave out the end, numbers around 0."""
    import keras

    rng = np.random.default_rng(0)

    def drawn(tensor: Any) -> np.ndarray:
        name, shape = tensor.name, (samples, *tensor.shape[1:])
        if "mask" in name and len(shape) == 2:
            return np.broadcast_to(np.arange(shape[1]) < shape[1] - 2, shape).astype(tensor.dtype)
        if "float" in tensor.dtype:
            return rng.standard_normal(shape).astype(tensor.dtype)
        most = 2 if "segment" in name or "labels" in name else shape[-1] if "position" in name else 20
        return rng.integers(0 if most == 2 else 1, max(most, 2), shape).astype(tensor.dtype)

    return keras.tree.map_structure(drawn, model.input)


# kimm.


def kimm() -> dict[str, Build]:
    """Every architecture of kimm, on small images."""
    found = import_module("kimm").models
    kinds = {name: kind for name, kind in vars(found).items() if inspect.isclass(kind) and name != "BaseModel"}
    return {name: partial(_of_kimm, name, kind) for name, kind in kinds.items()}


def _of_kimm(name: str, kind: Any) -> Any:
    # Positions or kernels are as large as the image that they are trained on.
    large = name.startswith(("VisionTransformer", "VGG"))
    side = {"InceptionV3": 96, "Xception": 96}.get(name, 224 if large else 64)
    return kind(weights=None, input_shape=(side, side, 3), classes=10)


# keras-unet-collection.


def keras_unet_collection() -> dict[str, Build]:
    """Its architectures, but for three that Keras 3 cannot build: resunet_a_2d, transunet_2d and swin_unet_2d."""
    of = import_module("keras_unet_collection.models")
    size, widths = (64, 64, 3), [8, 16, 24, 32]
    return {
        "unet_2d": lambda: of.unet_2d(size, widths, 2, batch_norm=True),
        "unet_2d, pooling by strides": lambda: of.unet_2d(size, widths, 2, activation="GELU", pool=False, unpool=False),
        "vnet_2d": lambda: of.vnet_2d(size, [8, 16, 32, 64], 2, activation="PReLU", batch_norm=True, pool=False,
                                        unpool=False),
        "unet_plus_2d": lambda: of.unet_plus_2d(size, widths, 2, deep_supervision=True),
        "r2_unet_2d": lambda: of.r2_unet_2d(size, widths, 2, batch_norm=True),
        "att_unet_2d": lambda: of.att_unet_2d(size, widths, 2, attention="multiply", activation="LeakyReLU"),
        "u2net_2d": lambda: of.u2net_2d((128, 128, 3), 2, [8, 8, 16, 16], deep_supervision=True),
        "unet_3plus_2d": lambda: of.unet_3plus_2d(size, 2, widths, deep_supervision=True),
    }  # fmt: skip


# keras-hub.


def keras_hub() -> dict[str, Build]:
    """Backbones of every kind that its constructors build, and tasks of each sort upon them."""
    of = import_module("keras_hub")
    return {name: partial(build, of) for name, build in _HUB.items()}


def _resnet(of: Any, **more: Any) -> Any:
    arguments = {
        "input_conv_filters": [16],
        "input_conv_kernel_sizes": [7],
        "stackwise_num_filters": [64, 24, 32, 48],
        "stackwise_num_blocks": [1, 2, 1, 1],
        "stackwise_num_strides": [1, 2, 2, 2],
        "block_type": "bottleneck_block",
        "image_shape": IMAGE,
    }
    return of.models.ResNetBackbone(**arguments | more)


_BASIC = {"block_type": "basic_block", "input_conv_filters": [64], "stackwise_num_filters": [64, 128, 256, 512]}
"""Basic blocks, whose identity shortcuts need just these channels."""


def _efficientnet(of: Any) -> Any:
    return of.models.EfficientNetBackbone(
        stackwise_width_coefficients=[1.0] * 6, stackwise_depth_coefficients=[1.0] * 6,
        stackwise_kernel_sizes=[3] * 6, stackwise_num_repeats=[1, 2, 1, 1, 2, 1],
        stackwise_input_filters=[24, 24, 32, 40, 48, 56], stackwise_output_filters=[24, 32, 40, 48, 56, 64],
        stackwise_expansion_ratios=[1, 4, 4, 4, 6, 6],
        stackwise_squeeze_and_excite_ratios=[0.0, 0.0, 0, 0.25, 0.25, 0.25],
        stackwise_strides=[1, 2, 2, 2, 1, 2], stackwise_block_types=["fused"] * 3 + ["unfused"] * 3,
        stackwise_force_input_filters=[0] * 6, stackwise_nores_option=[False] * 6, num_features=96, input_shape=IMAGE,
    )  # fmt: skip


def _mobilenet(of: Any) -> Any:
    hard, plain = "hard_swish", "relu"
    return of.models.MobileNetBackbone(
        stackwise_expansion=[[40, 56], [64, 144, 144], [72, 72]], stackwise_num_blocks=[2, 3, 2],
        stackwise_num_filters=[[16, 16], [24, 24, 24], [24, 24]],
        stackwise_kernel_size=[[3, 3], [5, 5, 5], [5, 5]], stackwise_num_strides=[[2, 1], [2, 1, 1], [1, 1]],
        stackwise_se_ratio=[[None, None], [0.25, 0.25, 0.25], [0.3, 0.3]],
        stackwise_activation=[[plain, plain], [hard, hard, hard], [hard, hard]],
        stackwise_padding=[[1, 1], [2, 2, 2], [2, 2]], output_num_filters=96, depthwise_filters=8,
        depthwise_stride=2, depthwise_residual=False, last_layer_filter=64, squeeze_and_excite=0.5, image_shape=IMAGE,
    )  # fmt: skip


def _mobilenet_v5(of: Any) -> Any:
    build = import_module("keras_hub.src.models.mobilenetv5.mobilenetv5_builder").convert_arch_def_to_stackwise
    blocks = [["er_r1_k3_s2_e4_c24"], ["uir_r1_a3_k5_s2_e4_c32", "uir_r1_a0_k0_s1_e2_c32"],
              ["uir_r1_a5_k5_s2_e4_c48", "mqa_r1_k3_h4_s1_d16_c48", "uir_r1_a0_k0_s1_e2_c48"]]  # fmt: skip
    return of.models.MobileNetV5Backbone(
        **build(blocks), image_shape=IMAGE, num_features=64, use_msfa=True, msfa_output_resolution=4
    )


def _mit(of: Any) -> Any:
    return of.models.MiTBackbone(
        layerwise_depths=[1, 2, 1, 1], num_layers=4, layerwise_num_heads=[1, 2, 4, 8],
        layerwise_sr_ratios=[8, 4, 2, 1], max_drop_path_rate=0.1, layerwise_patch_sizes=[7, 3, 3, 3],
        layerwise_strides=[4, 2, 2, 2], hidden_dims=[16, 24, 32, 40], image_shape=IMAGE,
    )  # fmt: skip


def _hgnet(of: Any, **more: Any) -> Any:
    arguments = {
        "depths": [1, 1, 2, 1],
        "embedding_size": 16,
        "hidden_sizes": [32, 48, 64, 96],
        "stem_channels": [3, 16, 16],
        "hidden_act": "relu",
        "use_learnable_affine_block": True,
        "stackwise_stage_filters": [
            [16, 16, 32, 1, 3, 3],
            [32, 24, 48, 1, 3, 3],
            [48, 32, 64, 2, 3, 5],
            [64, 40, 96, 1, 3, 5],
        ],
        "apply_downsample": [False, True, True, True],
        "use_lightweight_conv_block": [False, False, True, True],
        "image_shape": IMAGE,
    }
    return of.models.HGNetV2Backbone(**arguments | more)


def _d_fine(of: Any) -> Any:
    backbone = _hgnet(of, image_shape=(128, 128, 3), out_features=["stage3", "stage4"])
    return of.models.DFineBackbone(
        backbone=backbone, decoder_in_channels=[32, 32], encoder_hidden_dim=32, num_denoising=0, num_labels=5,
        hidden_dim=32, learn_initial_query=False, num_queries=20, anchor_image_size=(128, 128), feat_strides=[16, 32],
        num_feature_levels=2, encoder_in_channels=[64, 96], encode_proj_layers=[1], num_attention_heads=4,
        encoder_ffn_dim=64, num_encoder_layers=1, hidden_expansion=0.34, depth_multiplier=0.5, eval_idx=-1,
        num_decoder_layers=2, decoder_attention_heads=4, decoder_ffn_dim=64, decoder_n_points=[3, 3],
        lqe_hidden_dim=16, num_lqe_layers=2, out_features=["stage3", "stage4"], image_shape=(128, 128, 3), seed=0,
    )  # fmt: skip


def _vit(of: Any) -> Any:
    return of.models.ViTBackbone(
        image_shape=IMAGE, patch_size=(16, 16), num_layers=2, num_heads=4, hidden_dim=32, mlp_dim=64, dropout_rate=0.1
    )


def _dino(of: Any, **more: Any) -> Any:
    arguments = {
        "patch_size": 8,
        "num_layers": 4,
        "hidden_dim": 32,
        "num_heads": 4,
        "intermediate_dim": 64,
        "image_shape": IMAGE,
        "position_embedding_shape": (64, 64),
    }
    return of.models.DINOV2Backbone(**arguments | more)


def _vit_det(of: Any, **more: Any) -> Any:
    arguments = {
        "hidden_size": 32,
        "num_layers": 3,
        "intermediate_dim": 64,
        "num_heads": 4,
        "global_attention_layer_indices": [2],
        "patch_size": 16,
        "num_output_channels": 8,
        "window_size": 3,
        "image_shape": (128, 128, 3),
    }
    return of.models.ViTDetBackbone(**arguments | more)


def _sam(of: Any) -> Any:
    prompts = of.layers.SAMPromptEncoder(
        hidden_size=8, image_embedding_size=(8, 8), input_image_size=(128, 128), mask_in_channels=16
    )
    masks = of.layers.SAMMaskDecoder(
        num_layers=2, hidden_size=8, intermediate_dim=32, num_heads=2, embedding_dim=8, num_multimask_outputs=3,
        iou_head_depth=3, iou_head_hidden_dim=8,
    )  # fmt: skip
    model = of.models.SAMBackbone(image_encoder=_vit_det(of), prompt_encoder=prompts, mask_decoder=masks)
    return fixed(model, {"points": 2, "labels": 2, "boxes": 1, "masks": 32})


_TEXT = {"vocabulary_size": 50, "num_layers": 2, "num_heads": 4, "hidden_dim": 32, "intermediate_dim": 64}
_GROUPED = {
    "vocabulary_size": 50, "num_layers": 2, "num_query_heads": 4, "num_key_value_heads": 2, "hidden_dim": 32,
    "intermediate_dim": 64,
}  # fmt: skip
_VISION = {
    "patch_size": 16, "hidden_dim": 32, "num_layers": 2, "num_heads": 4, "intermediate_dim": 64, "image_shape": IMAGE,
}  # fmt: skip
_WORDS = {"vocabulary_size": 50, "embedding_dim": 32, "hidden_dim": 32, "num_layers": 2, "num_heads": 4,
          "intermediate_dim": 64, "max_sequence_length": LENGTH}  # fmt: skip


def _text(name: str, **more: Any) -> Callable[[Any], Any]:
    return lambda of: fixed(getattr(of.models, f"{name}Backbone")(**_TEXT | more))


def _grouped(name: str, **more: Any) -> Callable[[Any], Any]:
    return lambda of: fixed(getattr(of.models, f"{name}Backbone")(**_GROUPED | more))


def _pair(name: str, **more: Any) -> Callable[[Any], Any]:
    """A vision encoder and a text encoder, trained together."""

    def build(of: Any) -> Any:
        vision = getattr(of.models, f"{name}VisionEncoder")(**_VISION)
        words = getattr(of.models, f"{name}TextEncoder")(**_WORDS)
        return fixed(getattr(of.models, f"{name}Backbone")(vision_encoder=vision, text_encoder=words, **more))

    return build


def _both(name: str, **more: Any) -> Callable[[Any], Any]:
    """A text encoder and a text decoder of Gemma's kind."""
    each = {
        "hidden_dim": 32,
        "intermediate_dim": 64,
        "num_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "layer_types": ["sliding_attention", "full_attention"],
    }
    sides = {f"{side}_{key}": value for side in ("encoder", "decoder") for key, value in each.items()}
    return lambda of: fixed(
        getattr(of.models, f"{name}Backbone")(vocabulary_size=50, sliding_window=4, **sides, **more)
    )


def _mmdit(of: Any) -> Any:
    kind = import_module("keras_hub.src.models.stable_diffusion_3.mmdit").MMDiT
    return kind(
        patch_size=2, hidden_dim=32, num_layers=2, num_heads=4, position_size=16, latent_shape=(8, 8, 16),
        context_shape=(LENGTH, 24), pooled_projection_shape=(32,), qk_norm="rms_norm", dual_attention_indices=[0],
    )  # fmt: skip


def _vae(of: Any) -> Any:
    kind = import_module("keras_hub.src.models.vae.vae_backbone").VAEBackbone
    return kind(
        encoder_num_filters=[32, 32, 64], encoder_num_blocks=[1, 1, 1], decoder_num_filters=[64, 32, 32],
        decoder_num_blocks=[1, 1, 1], sampler_method="mode", name="vae",
    )  # fmt: skip


def _fixed_vae(of: Any) -> Any:
    model = _vae(of)
    return fixed(model, {model.inputs[0].name: 32})


def _flux(of: Any) -> Any:
    return of.models.FluxBackbone(
        input_channels=16, hidden_size=32, mlp_ratio=2.0, num_heads=4, depth=1, depth_single_blocks=1,
        axes_dim=[2, 2, 4], theta=100, use_bias=True, guidance_embed=True, image_shape=(9, 16), text_shape=(5, 24),
        image_ids_shape=(9, 3), text_ids_shape=(5, 3), y_shape=(24,),
    )  # fmt: skip


def _gemma3(of: Any) -> Any:
    return fixed(
        of.models.Gemma3Backbone(
            **_GROUPED, image_size=32, head_dim=8, use_sliding_window_attention=True, sliding_window_size=4
        )
    )


def _smol(of: Any) -> Any:
    return fixed(
        of.models.SmolLM3Backbone(
            vocabulary_size=50, hidden_dim=32, intermediate_dim=64, num_layers=2, num_attention_heads=4,
            num_key_value_heads=2, attention_bias=False, attention_dropout=0.0, rope_layer_enabled_list=[True, False],
            layer_types=["attention"] * 2, mlp_bias=False, layer_norm_epsilon=1e-5, max_position_embeddings=32,
            rope_theta=10000.0, partial_rotary_factor=1.0,
        )
    )  # fmt: skip


def _whisper(of: Any) -> Any:
    model = of.models.WhisperBackbone(
        **_TEXT, num_mels=10, max_encoder_sequence_length=16, max_decoder_sequence_length=LENGTH
    )
    return fixed(model, {"encoder_features": 16})


def _moonshine(of: Any) -> Any:
    model = of.models.MoonshineBackbone(
        vocabulary_size=50, filter_dim=32, encoder_num_layers=1, decoder_num_layers=1, hidden_dim=32,
        intermediate_dim=64, encoder_num_heads=4, decoder_num_heads=4,
    )  # fmt: skip
    return fixed(model, {"encoder_input_values": 1600, "encoder_padding_mask": 1600})


def _pali_gemma(of: Any) -> Any:
    return fixed(
        of.models.PaliGemmaBackbone(
            **_GROUPED | {"num_key_value_heads": 1}, image_size=32, head_dim=8, vit_patch_size=16, vit_num_heads=4,
            vit_hidden_dim=32, vit_num_layers=1, vit_intermediate_dim=64,
        )
    )  # fmt: skip


def _causal(of: Any) -> Any:
    return fixed(of.models.GPT2CausalLM(of.models.GPT2Backbone(**_TEXT, max_sequence_length=LENGTH)))


def _masked(of: Any) -> Any:
    return fixed(of.models.BertMaskedLM(of.models.BertBackbone(**_TEXT, max_sequence_length=LENGTH)), {
        "mask_positions": 3})  # fmt: skip


def _detector(of: Any) -> Any:
    backbone = of.models.RetinaNetBackbone(_resnet(of), min_level=3, max_level=5, use_p5=False, image_shape=IMAGE)
    anchors = of.layers.AnchorGenerator("yxyx", 3, 5, 3, [0.5, 1.0, 2.0], 4.0)
    return of.models.RetinaNetObjectDetector(backbone, 4, "yxyx", anchor_generator=anchors)


_HUB: dict[str, Callable[[Any], Any]] = {
    "ResNet": _resnet,
    "ResNetV2": lambda of: _resnet(of, use_pre_activation=True),
    "ResNet, basic blocks": lambda of: _resnet(of, **_BASIC),
    "ResNet, image classifier": lambda of: of.models.ResNetImageClassifier(_resnet(of), 10),
    "VGG": lambda of: of.models.VGGBackbone([1, 2, 2], [16, 24, 32], image_shape=IMAGE),
    "VGG, image classifier": lambda of: of.models.VGGImageClassifier(
        of.models.VGGBackbone([1, 2, 2], [16, 24, 32], image_shape=IMAGE), 10, pooling="max", pooling_hidden_dim=32
    ),
    "DenseNet": lambda of: of.models.DenseNetBackbone([2, 3, 2], image_shape=IMAGE, growth_rate=12),
    "EfficientNet": _efficientnet,
    "MobileNetV3": _mobilenet,
    "MobileNetV5": _mobilenet_v5,
    "Xception": lambda of: of.models.XceptionBackbone(
        [[16, 24], [24, 32], [32, 32, 32], [48, 48]], [True, True, False, True], image_shape=(96, 96, 3)
    ),
    "CSPDarkNet": lambda of: of.models.CSPNetBackbone(
        stem_filters=16, stem_kernel_size=3, stem_strides=1, stackwise_depth=[1, 2, 2], stackwise_strides=[1, 2, 2],
        stackwise_num_filters=[16, 32, 48], block_type="dark_block", stage_type="csp", bottle_ratio=[0.5],
        expand_ratio=[2.0], image_shape=IMAGE,
    ),
    "HGNetV2": _hgnet,
    "MiT": _mit,
    "SegFormer": lambda of: of.models.SegFormerBackbone(image_encoder=_mit(of), projection_filters=24),
    "SegFormer, segmenter": lambda of: of.models.SegFormerImageSegmenter(
        of.models.SegFormerBackbone(image_encoder=_mit(of), projection_filters=24), 5
    ),
    "DeepLabV3": lambda of: of.models.DeepLabV3Backbone(
        image_encoder=_resnet(of), spatial_pyramid_pooling_key="P5", upsampling_size=8, dilation_rates=[2, 3, 4],
        low_level_feature_key="P2", projection_filters=12, image_shape=IMAGE,
    ),
    "BASNet": lambda of: of.models.BASNetBackbone(
        image_encoder=_resnet(of, **_BASIC, image_shape=(None, None, 3)), num_classes=1, image_shape=IMAGE,
    ),
    "RetinaNet": lambda of: of.models.RetinaNetBackbone(
        _resnet(of), min_level=3, max_level=6, use_p5=True, use_fpn_batch_norm=True, image_shape=IMAGE
    ),
    "RetinaNet, detector": _detector,
    "D-FINE": _d_fine,
    "ViT": _vit,
    "ViT, image classifier": lambda of: of.models.ViTImageClassifier(_vit(of), 10),
    "DeiT": lambda of: of.models.DeiTBackbone(
        image_shape=IMAGE, patch_size=16, num_layers=2, num_heads=4, hidden_dim=32, intermediate_dim=64
    ),
    "SwinTransformer": lambda of: of.models.SwinTransformerBackbone(
        image_shape=IMAGE, embed_dim=16, depths=(2, 2), num_heads=(2, 4), window_size=4
    ),
    "DINOv2": _dino,
    "DINOv2, registers and SwiGLU": lambda of: _dino(
        of, num_register_tokens=2, use_swiglu_ffn=True, position_embedding_shape=(96, 96)
    ),
    "DINOv3": lambda of: of.models.DINOV3Backbone(**_VISION),
    "DepthAnything": lambda of: of.models.DepthAnythingBackbone(
        image_encoder=_dino(of), reassemble_factors=[4, 2, 1, 0.5], neck_hidden_dims=[8, 16, 24, 32],
        fusion_hidden_dim=24, head_hidden_dim=8, head_in_index=-1,
        feature_keys=["stage1", "stage2", "stage3", "stage4"],
    ),
    "ViTDet": _vit_det,
    "SAM": _sam,
    "PARSeq": lambda of: fixed(
        of.models.PARSeqBackbone(
            image_encoder=_vit(of), vocabulary_size=20, max_label_length=LENGTH, decoder_hidden_dim=32,
            num_decoder_layers=1, num_decoder_heads=4, decoder_mlp_dim=64,
        )
    ),
    "CLIP": _pair("CLIP", projection_dim=16),
    "SigLIP": _pair("SigLIP"),
    "MetaCLIP2": _pair("MetaCLIP2", projection_dim=16),
    "PaliGemma": _pali_gemma,
    "Stable Diffusion 3, MMDiT": _mmdit,
    "Stable Diffusion 3, VAE": _fixed_vae,
    "Flux": _flux,
    "BERT": _text("Bert", max_sequence_length=LENGTH),
    "BERT, masked language model": _masked,
    "ALBERT": lambda of: fixed(
        of.models.AlbertBackbone(**_TEXT, embedding_dim=16, num_groups=1, max_sequence_length=LENGTH)
    ),
    "DistilBERT": _text("DistilBert", max_sequence_length=LENGTH),
    "RoBERTa": _text("Roberta", max_sequence_length=LENGTH),
    "XLM-RoBERTa": _text("XLMRoberta", max_sequence_length=LENGTH),
    "ELECTRA": lambda of: fixed(
        of.models.ElectraBackbone(
            vocab_size=50, num_layers=2, num_heads=4, hidden_dim=32, embedding_dim=16, intermediate_dim=64
        )
    ),
    "DeBERTaV3": _text("DebertaV3", max_sequence_length=LENGTH, bucket_size=8),
    "RoFormerV2": _text("RoformerV2", head_size=8),
    "FNet": lambda of: fixed(
        of.models.FNetBackbone(vocabulary_size=50, num_layers=2, hidden_dim=32, intermediate_dim=64,
                               max_sequence_length=LENGTH)
    ),
    "ESM": _text("ESM"),
    "XLNet": _text("XLNet"),
    "GPT-2": _text("GPT2", max_sequence_length=LENGTH),
    "GPT-2, causal language model": _causal,
    "GPT-NeoX": _text("GPTNeoX", max_sequence_length=LENGTH),
    "OPT": _text("OPT", max_sequence_length=LENGTH),
    "BLOOM": _text("Bloom"),
    "Falcon": lambda of: fixed(
        of.models.FalconBackbone(vocabulary_size=50, num_layers=2, num_attention_heads=4, hidden_dim=32,
                                 intermediate_dim=64)
    ),
    "Llama 3": _grouped("Llama3"),
    "Mistral": _grouped("Mistral", sliding_window=4),
    "Mixtral": _grouped("Mixtral", num_experts=3, sliding_window=4),
    "Gemma": _grouped("Gemma", head_dim=8),
    "Gemma 3": _gemma3,
    "Phi-3": _grouped("Phi3"),
    "Qwen 2": _grouped("Qwen"),
    "Qwen 3": _grouped("Qwen3", head_dim=8),
    "Qwen MoE": _grouped("QwenMoe", moe_intermediate_dim=16, shared_expert_intermediate_dim=32, num_experts=4,
                         top_k=2),
    "SmolLM3": _smol,
    "RWKV-7": lambda of: fixed(
        of.models.RWKV7Backbone(hidden_size=32, head_size=8, num_layers=2, vocabulary_size=50, intermediate_dim=64,
                                gate_lora=8, mv_lora=8, aaa_lora=8, decay_lora=8)
    ),
    "BART": _text("Bart", max_sequence_length=LENGTH),
    "T5": _text("T5"),
    "T5Gemma": _both("T5Gemma", query_pre_attn_scalar=8.0),
    "Whisper": _whisper,
    "Moonshine": _moonshine,
}  # fmt: skip
