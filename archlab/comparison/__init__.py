"""Several architectures side by side: analysed at once, measured and trained when asked."""

from archlab.comparison._comparison import Comparison as Comparison
from archlab.comparison._comparison import compare as compare
from archlab.comparison._comparison import sort_keys as sort_keys
