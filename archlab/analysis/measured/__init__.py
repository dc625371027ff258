"""Analyses that build the Keras model and run it."""

from archlab.analysis._flow import BlockFlow as BlockFlow
from archlab.analysis._flow import GradientFlow as GradientFlow
from archlab.analysis._flow import LayerFlow as LayerFlow
from archlab.analysis._flow import WeightFlow as WeightFlow
from archlab.analysis.measured._gradient_flow import gradient_flow as gradient_flow
from archlab.analysis.measured._record import record_gradients as record_gradients
