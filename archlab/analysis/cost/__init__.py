"""What an architecture costs on a real machine: the memory of a training step, and the time of a pass."""

from archlab.analysis.cost._memory import OPTIMIZERS as OPTIMIZERS
from archlab.analysis.cost._memory import PRECISIONS as PRECISIONS
from archlab.analysis.cost._memory import Saving as Saving
from archlab.analysis.cost._memory import TimelineMoment as TimelineMoment
from archlab.analysis.cost._memory import TrainingMemory as TrainingMemory
from archlab.analysis.cost._memory import memory as memory
from archlab.analysis.cost._schedule import What as What
