"""Charts: records → Altair. They know no analysis; whoever has figures by depth can have them drawn."""

from archlab.charts._contributions import Contribution as Contribution
from archlab.charts._contributions import contributions as contributions
from archlab.charts._cost import STEPS as STEPS
from archlab.charts._cost import WHOLE as WHOLE
from archlab.charts._cost import Part as Part
from archlab.charts._cost import Place as Place
from archlab.charts._cost import Trained as Trained
from archlab.charts._cost import by_stage as by_stage
from archlab.charts._cost import growth as growth
from archlab.charts._cost import timeline as timeline
from archlab.charts._cost import trade_off as trade_off
from archlab.charts._depth import COLOURS as COLOURS
from archlab.charts._depth import Chart as Chart
from archlab.charts._depth import by_depth as by_depth
from archlab.charts._depth import save as save
from archlab.charts._depth import slopes as slopes
from archlab.charts._field import embedded as embedded
from archlab.charts._field import heat_map as heat_map
from archlab.charts._lines import by_distance as by_distance
from archlab.charts._lines import by_length as by_length
from archlab.charts._roofline import Dot as Dot
from archlab.charts._roofline import roofline as roofline
from archlab.charts._scatter import Spot as Spot
from archlab.charts._scatter import scatter as scatter
