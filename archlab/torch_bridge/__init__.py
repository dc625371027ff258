"""The door to PyTorch, and the only one: it knows nothing of Keras."""

import sys

from archlab.errors import MissingPartError

if "tensorflow" in sys.modules and "triton" not in sys.modules:
    # Triton, by which PyTorch compiles for GPUs, brings an LLVM that ends the process when it is loaded after that of
    # TensorFlow. Nothing here compiles: PyTorch then takes it as not installed.
    sys.modules["triton"] = None  # pyright: ignore[reportArgumentType]

try:
    import torch as _torch
except ImportError as error:
    raise MissingPartError("PyTorch is not installed: pip install 'archlab[torch]'") from error

from archlab.functions import Start as Start
from archlab.torch_bridge._build import Built as Built
from archlab.torch_bridge._build import built as built
from archlab.torch_bridge._collections import Collected as Collected
from archlab.torch_bridge._collections import timm_model as timm_model
from archlab.torch_bridge._collections import torchvision_model as torchvision_model
from archlab.torch_bridge._draw import drawn as drawn
from archlab.torch_bridge._draw import made as made
from archlab.torch_bridge._draw import not_drawn as not_drawn
from archlab.torch_bridge._from_torch import channels as channels
from archlab.torch_bridge._from_torch import first_axes as first_axes
from archlab.torch_bridge._from_torch import from_torch as from_torch
from archlab.torch_bridge._hold import ModuleValues as ModuleValues
from archlab.torch_bridge._hold import in_float64 as in_float64
from archlab.torch_bridge._hold import values_of as values_of
from archlab.torch_bridge._hold import without_memory as without_memory
from archlab.torch_bridge._loss import ModuleLoss as ModuleLoss
from archlab.torch_bridge._loss import module_loss as module_loss
from archlab.torch_bridge._probe import ModuleProbe as ModuleProbe
from archlab.torch_bridge._probe import RunnableModule as RunnableModule
from archlab.torch_bridge._probe import UnitGradient as UnitGradient
from archlab.torch_bridge._probe import settled as settled
from archlab.torch_bridge._steps import arrays as arrays
from archlab.torch_bridge._steps import counting_steps as counting_steps

_ = _torch
