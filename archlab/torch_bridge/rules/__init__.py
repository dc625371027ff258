"""Which operation each function of PyTorch is: a table by name, one file a kind of function."""

from archlab.torch_bridge.rules import _elementwise as _elementwise
from archlab.torch_bridge.rules import _moved as _moved
from archlab.torch_bridge.rules import _pooled as _pooled
from archlab.torch_bridge.rules import _products as _products
from archlab.torch_bridge.rules import _weighted as _weighted
from archlab.torch_bridge.rules._table import RULES as RULES
