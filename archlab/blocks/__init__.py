"""Blocks: functions that return a part with its width left open, to be repeated in any network."""

from archlab.blocks._classic import Kind as Kind
from archlab.blocks._classic import Norm as Norm
from archlab.blocks._classic import conv_stack as conv_stack
from archlab.blocks._classic import convolution as convolution
from archlab.blocks._classic import normalization as normalization
from archlab.blocks._mobile import depthwise_separable as depthwise_separable
from archlab.blocks._mobile import inverted_residual as inverted_residual
from archlab.blocks._residual import bottleneck as bottleneck
from archlab.blocks._residual import preactivation_unit as preactivation_unit
from archlab.blocks._residual import separable_residual as separable_residual
from archlab.blocks._residual import xception_block as xception_block
