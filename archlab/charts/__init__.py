"""Charts: records → Altair. They know no analysis; whoever has figures by depth can have them drawn."""

from archlab.charts._depth import by_depth as by_depth
from archlab.charts._depth import save as save
from archlab.charts._depth import slopes as slopes
