"""Analyses that read the graph alone: nothing is built, nothing is run, TensorFlow is not loaded."""

from archlab.analysis.static._head import before_head as before_head
from archlab.analysis.static._head import head_function as head_function
from archlab.analysis.static._head import head_loss as head_loss
from archlab.analysis.static._numbers import Numbers as Numbers
from archlab.analysis.static._numbers import count as count
from archlab.analysis.static.compute import Compute as Compute
from archlab.analysis.static.compute import compute as compute
from archlab.analysis.static.memory import Memory as Memory
from archlab.analysis.static.memory import memory as memory
from archlab.analysis.static.params import Params as Params
from archlab.analysis.static.params import params as params
from archlab.analysis.static.path_lengths import PathLengths as PathLengths
from archlab.analysis.static.path_lengths import path_lengths as path_lengths
from archlab.analysis.static.paths import depth as depth
from archlab.analysis.static.paths import depths as depths
from archlab.analysis.static.paths import on_longest_path as on_longest_path
from archlab.analysis.static.receptive_field import ReceptiveField as ReceptiveField
from archlab.analysis.static.receptive_field import receptive_field as receptive_field
