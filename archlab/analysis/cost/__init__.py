"""What an architecture costs on a real machine: the memory of a training step, and the time of a pass."""

from archlab.analysis.cost._device import SHIPPED as SHIPPED
from archlab.analysis.cost._device import Device as Device
from archlab.analysis.cost._device import Rate as Rate
from archlab.analysis.cost._device import device as device
from archlab.analysis.cost._device import device_path as device_path
from archlab.analysis.cost._latency import latency as latency
from archlab.analysis.cost._memory import OPTIMIZERS as OPTIMIZERS
from archlab.analysis.cost._memory import PRECISIONS as PRECISIONS
from archlab.analysis.cost._memory import Saving as Saving
from archlab.analysis.cost._memory import TimelineMoment as TimelineMoment
from archlab.analysis.cost._memory import TrainingMemory as TrainingMemory
from archlab.analysis.cost._memory import memory as memory
from archlab.analysis.cost._schedule import What as What
from archlab.analysis.cost._times import Latency as Latency
from archlab.analysis.cost._times import LayerTime as LayerTime
from archlab.analysis.cost._times import Timing as Timing
