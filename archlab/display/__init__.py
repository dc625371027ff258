"""What objects show of themselves, in a terminal and in a notebook."""

from archlab.display._html import bundle as bundle
from archlab.display._html import to_html as to_html
from archlab.display._text import text as text
