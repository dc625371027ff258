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
from archlab.torch_bridge._from_torch import channels as channels
from archlab.torch_bridge._from_torch import first_axes as first_axes
from archlab.torch_bridge._from_torch import from_torch as from_torch

_ = _torch
