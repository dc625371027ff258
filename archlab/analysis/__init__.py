"""What an architecture costs, how far it sees and whether it will train."""

from archlab.analysis._trend import LIMIT as LIMIT
from archlab.analysis._trend import Trend as Trend
from archlab.analysis._trend import trend as trend
