"""Named architectures, each with its paper, written in the builder language alone. One file a family."""

from archlab.zoo._registry import Entry as Entry
from archlab.zoo._registry import architecture as architecture
from archlab.zoo._registry import entries as entries
from archlab.zoo._registry import find as find
from archlab.zoo._registry import read_value as read_value
