"""Which operation each function of PyTorch is: a table by name, one file a kind of function."""

from archlab.functions.rules import _elementwise as _elementwise
from archlab.functions.rules import _moved as _moved
from archlab.functions.rules import _pooled as _pooled
from archlab.functions.rules import _products as _products
from archlab.functions.rules import _weighted as _weighted
from archlab.functions.rules._table import RULES as RULES
from archlab.functions.rules._table import entering as entering
