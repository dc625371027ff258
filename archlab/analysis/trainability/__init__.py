"""Whether a network trains, told from its statistics at initialization."""

from archlab.analysis.trainability._causes import Cause as Cause
from archlab.analysis.trainability._forecast import Forecast as Forecast
from archlab.analysis.trainability._forecast import OptimizerForecast as OptimizerForecast
from archlab.analysis.trainability._forecast import forecast as forecast
from archlab.analysis.trainability._forecast import forecast_graph as forecast_graph
