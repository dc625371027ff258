"""One file that needs nothing else: templates filled in, style and script inside, everything else forbidden."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files
from math import inf

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from archlab.text import printable

_PACKAGE = "archlab.report.html"


def page(template: str, extra: str = "", **context: object) -> str:
    """A template of this package filled in; every name in it is escaped.

    The policy that the page sets for itself lets its own style and script run, by their digests, and nothing else: what
    is hidden in a name could neither run nor fetch anything even if it were taken for code.

    Args:
        template: its name.
        extra: further rules of style.
        context: what it is filled in with.
    """
    style, script = asset("style.css") + extra, asset("page.js")
    policy = (
        f"default-src 'none'; style-src {_digest(style)}; script-src {_digest(script)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    filled = _environment().get_template(template)
    return filled.render(style=Markup(style), script=Markup(script), policy=policy, **context)


@cache
def asset(name: str) -> str:
    """A file of the page's own."""
    return files(_PACKAGE).joinpath("assets", name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


@cache
def _environment() -> Environment:
    loader = PackageLoader(_PACKAGE)
    made = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_safe
    )  # fmt: skip
    made.filters["sortable"] = lambda value: "Infinity" if value == inf else f"{value:.12g}"
    return made


def _safe(value: object) -> object:
    """Names with nothing in them that no page may hold; what is markup already has been made so."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def slug(text: str) -> str:
    """A name for an anchor: letters and digits of ASCII, and a number of its own for whatever else stands in it.

    >>> slug("residual"), slug("<b>") != slug("<i>")
    ('residual', True)
    """
    plain = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in text)
    return plain if plain == text else f"{plain.strip('-')}-{sha256(text.encode()).hexdigest()[:6]}"
