"""Reports as pages: one file each, which opens from disk, with no network, by keyboard, in print, light and dark."""

from archlab.report.html._comparison import comparison_to_html as comparison_to_html
from archlab.report.html._report import to_html as to_html
