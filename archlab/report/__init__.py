"""Results → report (plain data) → text, markdown, CSV, JSON. Glyphs and layout live in the renderers only."""

from archlab.report._architecture import layers_report as layers_report
from archlab.report._architecture import layers_table as layers_table
from archlab.report._architecture import zoo_report as zoo_report
from archlab.report._compare import analysis_report as analysis_report
from archlab.report._compare import change as change
from archlab.report._compare import comparison_report as comparison_report
from archlab.report._compare import counted_parts as counted_parts
from archlab.report._compare import flat as flat
from archlab.report._compare import gradient_parts as gradient_parts
from archlab.report._compare import static_parts as static_parts
from archlab.report._csv import to_csv as to_csv
from archlab.report._json import to_json as to_json
from archlab.report._latex import to_latex as to_latex
from archlab.report._markdown import to_markdown as to_markdown
from archlab.report._parts import Chart as Chart
from archlab.report._parts import Curve as Curve
from archlab.report._parts import Line as Line
from archlab.report._parts import Listing as Listing
from archlab.report._parts import Prose as Prose
from archlab.report._parts import Report as Report
from archlab.report._parts import Table as Table
from archlab.report._text import to_text as to_text
