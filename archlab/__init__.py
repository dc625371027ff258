"""archlab: analysis of convolutional networks before training: cost, receptive fields, gradients.

Importing it does not load TensorFlow; functions that need it (`gradient_flow`, `to_keras`, `compare` unless static)
load it when called.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

from archlab import shown

if TYPE_CHECKING:
    from archlab.analysis import Analysis as Analysis
    from archlab.analysis import analyze as analyze
    from archlab.analysis._correlation import GradientCorrelation as GradientCorrelation
    from archlab.analysis._field import EffectiveReceptiveField as EffectiveReceptiveField
    from archlab.analysis._flow import GradientFlow as GradientFlow
    from archlab.analysis._path_gradients import PathGradients as PathGradients
    from archlab.analysis._sweep import Sweep as Sweep
    from archlab.analysis._sweep import sweep as sweep
    from archlab.analysis.ablation import Ablation as Ablation
    from archlab.analysis.ablation import ablate as ablate
    from archlab.analysis.cost import Latency as Latency
    from archlab.analysis.cost import TrainingMemory as TrainingMemory
    from archlab.analysis.cost import latency as latency
    from archlab.analysis.cost import memory as memory
    from archlab.analysis.measured import effective_receptive_field as effective_receptive_field
    from archlab.analysis.measured import gradient_correlation as gradient_correlation
    from archlab.analysis.measured import gradient_flow as gradient_flow
    from archlab.analysis.measured import path_gradients as path_gradients
    from archlab.analysis.measured import record_gradients as record_gradients
    from archlab.analysis.recorded import GradientRun as GradientRun
    from archlab.analysis.recorded import read_run as read_run
    from archlab.analysis.static import PathLengths as PathLengths
    from archlab.analysis.static import path_lengths as path_lengths
    from archlab.analysis.static.explanation import Explanation as Explanation
    from archlab.analysis.static.explanation import explain as explain
    from archlab.analysis.static.signal import PredictedFlow as PredictedFlow
    from archlab.analysis.static.signal import predict_gradient_flow as predict_gradient_flow
    from archlab.analysis.trainability import Forecast as Forecast
    from archlab.analysis.trainability import forecast as forecast
    from archlab.bridge import from_keras as from_keras
    from archlab.bridge import keras_rule as keras_rule
    from archlab.comparison import Comparison as Comparison
    from archlab.comparison import compare as compare
    from archlab.diffing import GraphDiff as GraphDiff
    from archlab.diffing import diff as diff
    from archlab.dsl import Block as Block
    from archlab.dsl import Cell as Cell
    from archlab.dsl import Parallel as Parallel
    from archlab.dsl import Pyramid as Pyramid
    from archlab.dsl import Residual as Residual
    from archlab.dsl import Stage as Stage
    from archlab.errors import ArchlabError as ArchlabError
    from archlab.export import to_keras as to_keras
    from archlab.export import to_python as to_python
    from archlab.export import to_yaml as to_yaml
    from archlab.graph import Graph as Graph
    from archlab.graph import Node as Node
    from archlab.graph import Part as Part
    from archlab.graph import Repeat as Repeat
    from archlab.graph import Sequence as Sequence
    from archlab.lint import Finding as Finding
    from archlab.lint import Findings as Findings
    from archlab.lint import lint as lint
    from archlab.notation import from_yaml as from_yaml
    from archlab.notation import json_schema as json_schema
    from archlab.ops import CHANNELS as CHANNELS
    from archlab.ops import ELU as ELU
    from archlab.ops import WIDTH as WIDTH
    from archlab.ops import Activation as Activation
    from archlab.ops import Add as Add
    from archlab.ops import AlphaDropout as AlphaDropout
    from archlab.ops import Average as Average
    from archlab.ops import AvgPool as AvgPool
    from archlab.ops import BatchNorm as BatchNorm
    from archlab.ops import Concatenate as Concatenate
    from archlab.ops import Conv as Conv
    from archlab.ops import ConvTranspose as ConvTranspose
    from archlab.ops import Crop as Crop
    from archlab.ops import Dense as Dense
    from archlab.ops import DepthwiseConv as DepthwiseConv
    from archlab.ops import Dropout as Dropout
    from archlab.ops import Flatten as Flatten
    from archlab.ops import GaussianDropout as GaussianDropout
    from archlab.ops import GaussianNoise as GaussianNoise
    from archlab.ops import GlobalAvgPool as GlobalAvgPool
    from archlab.ops import GlobalMaxPool as GlobalMaxPool
    from archlab.ops import GroupNorm as GroupNorm
    from archlab.ops import Identity as Identity
    from archlab.ops import Input as Input
    from archlab.ops import LayerNorm as LayerNorm
    from archlab.ops import LeakyReLU as LeakyReLU
    from archlab.ops import Maximum as Maximum
    from archlab.ops import MaxPool as MaxPool
    from archlab.ops import Minimum as Minimum
    from archlab.ops import Multiply as Multiply
    from archlab.ops import Normalization as Normalization
    from archlab.ops import Permute as Permute
    from archlab.ops import PReLU as PReLU
    from archlab.ops import RandomBrightness as RandomBrightness
    from archlab.ops import RandomContrast as RandomContrast
    from archlab.ops import RandomCrop as RandomCrop
    from archlab.ops import RandomFlip as RandomFlip
    from archlab.ops import RandomRotation as RandomRotation
    from archlab.ops import RandomTranslation as RandomTranslation
    from archlab.ops import RandomZoom as RandomZoom
    from archlab.ops import ReLU as ReLU
    from archlab.ops import Rescaling as Rescaling
    from archlab.ops import Reshape as Reshape
    from archlab.ops import Resizing as Resizing
    from archlab.ops import SeparableConv as SeparableConv
    from archlab.ops import Softmax as Softmax
    from archlab.ops import SpatialDropout as SpatialDropout
    from archlab.ops import Subtract as Subtract
    from archlab.ops import Upsample as Upsample
    from archlab.ops import Zero as Zero
    from archlab.ops import ZeroPad as ZeroPad
    from archlab.rendering import render as render
    from archlab.sources import Architecture as Architecture
    from archlab.sources import load as load

__all__ = [
    "CHANNELS",
    "ELU",
    "WIDTH",
    "Ablation",
    "Activation",
    "Add",
    "AlphaDropout",
    "Analysis",
    "Architecture",
    "ArchlabError",
    "Average",
    "AvgPool",
    "BatchNorm",
    "Block",
    "Cell",
    "Comparison",
    "Concatenate",
    "Conv",
    "ConvTranspose",
    "Crop",
    "Dense",
    "DepthwiseConv",
    "Dropout",
    "EffectiveReceptiveField",
    "Explanation",
    "Finding",
    "Findings",
    "Flatten",
    "Forecast",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAvgPool",
    "GlobalMaxPool",
    "GradientCorrelation",
    "GradientFlow",
    "GradientRun",
    "Graph",
    "GraphDiff",
    "GroupNorm",
    "Identity",
    "Input",
    "Latency",
    "LayerNorm",
    "LeakyReLU",
    "MaxPool",
    "Maximum",
    "Minimum",
    "Multiply",
    "Node",
    "Normalization",
    "PReLU",
    "Parallel",
    "Part",
    "PathGradients",
    "PathLengths",
    "Permute",
    "PredictedFlow",
    "Pyramid",
    "RandomBrightness",
    "RandomContrast",
    "RandomCrop",
    "RandomFlip",
    "RandomRotation",
    "RandomTranslation",
    "RandomZoom",
    "ReLU",
    "Repeat",
    "Rescaling",
    "Reshape",
    "Residual",
    "Resizing",
    "SeparableConv",
    "Sequence",
    "Softmax",
    "SpatialDropout",
    "Stage",
    "Subtract",
    "Sweep",
    "TrainingMemory",
    "Upsample",
    "Zero",
    "ZeroPad",
    "ablate",
    "analyze",
    "compare",
    "diff",
    "effective_receptive_field",
    "explain",
    "forecast",
    "from_keras",
    "from_yaml",
    "gradient_correlation",
    "gradient_flow",
    "json_schema",
    "keras_rule",
    "latency",
    "lint",
    "load",
    "memory",
    "path_gradients",
    "path_lengths",
    "predict_gradient_flow",
    "read_run",
    "record_gradients",
    "render",
    "sweep",
    "to_keras",
    "to_python",
    "to_yaml",
]

# Loaded on first use: the zoo and the report are not needed to write an architecture down, TensorFlow least of all.
_LAZY = {
    "Block": "archlab.dsl",
    "Cell": "archlab.dsl",
    "Parallel": "archlab.dsl",
    "Pyramid": "archlab.dsl",
    "Residual": "archlab.dsl",
    "Stage": "archlab.dsl",
    "ArchlabError": "archlab.errors",
    "Graph": "archlab.graph",
    "Node": "archlab.graph",
    "Part": "archlab.graph",
    "Repeat": "archlab.graph",
    "Sequence": "archlab.graph",
    "CHANNELS": "archlab.ops",
    "ELU": "archlab.ops",
    "WIDTH": "archlab.ops",
    "Activation": "archlab.ops",
    "Add": "archlab.ops",
    "AlphaDropout": "archlab.ops",
    "Average": "archlab.ops",
    "AvgPool": "archlab.ops",
    "BatchNorm": "archlab.ops",
    "Concatenate": "archlab.ops",
    "Conv": "archlab.ops",
    "ConvTranspose": "archlab.ops",
    "Crop": "archlab.ops",
    "Dense": "archlab.ops",
    "DepthwiseConv": "archlab.ops",
    "Dropout": "archlab.ops",
    "Flatten": "archlab.ops",
    "GaussianDropout": "archlab.ops",
    "GaussianNoise": "archlab.ops",
    "GlobalAvgPool": "archlab.ops",
    "GlobalMaxPool": "archlab.ops",
    "GroupNorm": "archlab.ops",
    "Identity": "archlab.ops",
    "Input": "archlab.ops",
    "LayerNorm": "archlab.ops",
    "LeakyReLU": "archlab.ops",
    "Maximum": "archlab.ops",
    "MaxPool": "archlab.ops",
    "Minimum": "archlab.ops",
    "Multiply": "archlab.ops",
    "Normalization": "archlab.ops",
    "Permute": "archlab.ops",
    "PReLU": "archlab.ops",
    "RandomBrightness": "archlab.ops",
    "RandomContrast": "archlab.ops",
    "RandomCrop": "archlab.ops",
    "RandomFlip": "archlab.ops",
    "RandomRotation": "archlab.ops",
    "RandomTranslation": "archlab.ops",
    "RandomZoom": "archlab.ops",
    "ReLU": "archlab.ops",
    "Rescaling": "archlab.ops",
    "Reshape": "archlab.ops",
    "Resizing": "archlab.ops",
    "SeparableConv": "archlab.ops",
    "Softmax": "archlab.ops",
    "SpatialDropout": "archlab.ops",
    "Subtract": "archlab.ops",
    "Upsample": "archlab.ops",
    "Zero": "archlab.ops",
    "ZeroPad": "archlab.ops",
    "Analysis": "archlab.analysis",
    "Architecture": "archlab.sources",
    "Comparison": "archlab.comparison",
    "EffectiveReceptiveField": "archlab.analysis._field",
    "GradientCorrelation": "archlab.analysis._correlation",
    "GradientFlow": "archlab.analysis._flow",
    "GradientRun": "archlab.analysis.recorded",
    "GraphDiff": "archlab.diffing",
    "Sweep": "archlab.analysis._sweep",
    "PredictedFlow": "archlab.analysis.static.signal",
    "PathGradients": "archlab.analysis._path_gradients",
    "PathLengths": "archlab.analysis.static",
    "analyze": "archlab.analysis",
    "compare": "archlab.comparison",
    "diff": "archlab.diffing",
    "effective_receptive_field": "archlab.analysis.measured",
    "explain": "archlab.analysis.static.explanation",
    "Explanation": "archlab.analysis.static.explanation",
    "Finding": "archlab.lint",
    "Findings": "archlab.lint",
    "lint": "archlab.lint",
    "forecast": "archlab.analysis.trainability",
    "Forecast": "archlab.analysis.trainability",
    "from_keras": "archlab.bridge",
    "from_yaml": "archlab.notation",
    "gradient_correlation": "archlab.analysis.measured",
    "gradient_flow": "archlab.analysis.measured",
    "json_schema": "archlab.notation",
    "keras_rule": "archlab.bridge",
    "memory": "archlab.analysis.cost",
    "TrainingMemory": "archlab.analysis.cost",
    "latency": "archlab.analysis.cost",
    "Latency": "archlab.analysis.cost",
    "ablate": "archlab.analysis.ablation",
    "Ablation": "archlab.analysis.ablation",
    "load": "archlab.sources",
    "read_run": "archlab.analysis.recorded",
    "record_gradients": "archlab.analysis.measured",
    "render": "archlab.rendering",
    "sweep": "archlab.analysis._sweep",
    "predict_gradient_flow": "archlab.analysis.static.signal",
    "path_gradients": "archlab.analysis.measured",
    "path_lengths": "archlab.analysis.static",
    "to_keras": "archlab.export",
    "to_python": "archlab.export",
    "to_yaml": "archlab.export",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'archlab' has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(_LAZY[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})


def _display() -> ModuleType:
    from archlab import display

    return display


# What shows an object stands above it, and is handed down from here: no object looks for it by name.
shown.show_with(_display)
