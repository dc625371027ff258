"""Values that nobody means, as text and as Python's source."""

from __future__ import annotations

from hypothesis import strategies as st

NUMBERS = ("0", "-1", "1", "2", "3", "²", "١٢", "1e3", "1e999", "-0", "nan", "inf", "0x10", "1_0", "9" * 30,
           "1" + "0" * 301, "9" * 5000, "3.5", "1/0", "1/255", "+2", " 2", "2147483648", "1e15")  # fmt: skip
WORDS = ("", " ", "a" * 300, "\x1b[31mred", "two\nlines", "\u202eevil", "none", "None", "null", "true", "~", "[", "{}",
         "[1, 2]", "()", "[" * 300, "(" * 200, "%s%n", "../../etc/passwd", "relu", "same", "valid", "mean", "é",
         "'", '"', "\\", "conv", "*a", "&a", "\u2028", "=", ",", ":", "0:1", "a=b")  # fmt: skip
TEXTS = st.one_of(st.sampled_from(NUMBERS), st.sampled_from(WORDS), st.text(max_size=12))
"""Text as it is typed; NUL alone cannot be."""
TYPED = TEXTS.map(lambda text: text.replace("\x00", "?"))

_MOST_VALUES = 20_000

SOURCES = ("0", "1", "2", "3", "-1", "True", "None", "1.5", "-0.5", "0.0", "1e-300", "1e308", "float('nan')",
           "float('inf')", "-float('inf')", "10**9", "10**15", "10**18", "10**400", "10**5000", "-10**5000", "''",
           "'relu'", "'same'", "'valid'", "'x' * 1000", "'\\x1b[2J\\n'", "'\\ud800'", "()", "(1,)", "(2, 2)",
           "(1, 2, 3)", "(10**15, 10**15)", "((1, 2), (3, 4))", "((0, 0), (10**15, 0))", "[1]", "{}", "object()",
           "b'x'", "Conv", "Conv()", "ReLU()", "Add()", "Concatenate()", "Sequence()", "Input(4, 4, 2)", "WIDTH",
           "CHANNELS", "CHANNELS * 10**15", "WIDTH // 3", "1j", "range(3)", "lambda: 0")  # fmt: skip
"""What is given to constructors."""

JSON = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.sampled_from((0, 1, -1, 2**63, 10**30, 10**400, 0.5, 1e300, -1e-300)),
        st.sampled_from(("", "x", "\x1b[2J", "\ud800", "a" * 300, "9" * 30, "float32", "relu")),
        st.floats(), st.integers(), st.text(max_size=5),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)  # fmt: skip


def nested(depth: int) -> object:
    """A list in a list in a list."""
    value: object = 1
    for _ in range(depth):
        value = [value]
    return value


@st.composite
def mutated(draw: st.DrawFn, valid: object) -> object:
    """A copy of plain data in which one to three values are others, or missing, or nested deeply, or huge."""
    data = _copy(valid)
    for _ in range(draw(st.integers(1, 3))):
        data = _changed(draw, data)
    return data


def _copy(value: object) -> object:
    if isinstance(value, dict):
        return {key: _copy(each) for key, each in value.items()}
    return [_copy(each) for each in value] if isinstance(value, list) else value


def _changed(draw: st.DrawFn, data: object) -> object:
    places = list(_places(data))
    if not places:
        return draw(JSON)
    holder, key = draw(st.sampled_from(places))
    how = draw(st.sampled_from(("value", "value", "value", "delete", "deep", "more", "twice")))
    if how == "value":
        holder[key] = draw(JSON)
    elif how == "delete":
        del holder[key]
    elif how == "deep":
        holder[key] = nested(draw(st.sampled_from((3, 40, 300))))
    elif how == "more":
        times = draw(st.sampled_from((0, 2, 500)))
        within = sum(1 for _ in _places([holder[key]]))
        holder[key] = [_copy(holder[key])] * (times if times * within <= _MOST_VALUES else 2)
    else:
        other, place = draw(st.sampled_from(places))
        holder[key] = _copy(other[place]) if other is not holder else draw(JSON)
    return data


def _places(data: object):
    """Each value in plain data, as the container and the key."""
    keys = data if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()
    for key in list(keys):
        yield data, key
        yield from _places(data[key])
