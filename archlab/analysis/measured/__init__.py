"""Analyses that run the model: the Keras model that an architecture becomes, or a live one of Keras or PyTorch."""

from archlab.analysis._correlation import GradientCorrelation as GradientCorrelation
from archlab.analysis._field import EffectiveReceptiveField as EffectiveReceptiveField
from archlab.analysis._flow import BlockFlow as BlockFlow
from archlab.analysis._flow import GradientFlow as GradientFlow
from archlab.analysis._flow import LayerFlow as LayerFlow
from archlab.analysis._flow import WeightFlow as WeightFlow
from archlab.analysis._path_gradients import PathGradients as PathGradients
from archlab.analysis.measured._effective_field import effective_receptive_field as effective_receptive_field
from archlab.analysis.measured._gradient_correlation import gradient_correlation as gradient_correlation
from archlab.analysis.measured._gradient_flow import gradient_flow as gradient_flow
from archlab.analysis.measured._path_gradients import path_gradients as path_gradients
from archlab.analysis.measured._record import record_gradients as record_gradients
