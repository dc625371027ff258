"""Analyses that build the Keras model and run it."""

from archlab.analysis.measured._gradient_flow import GradientFlow as GradientFlow
from archlab.analysis.measured._gradient_flow import gradient_flow as gradient_flow
