"""What a YAML scalar means where a type is expected, by the rules of the YAML library that Butane uses.

That dialect is YAML 1.2 with leftovers of 1.1 (go-yaml v3, `resolve.go` and `decode.go`). Unlike it, a
float is not cut down to an integer.
"""

import re
from typing import Literal

from provision.record import BAD, Bad, Kind

# The tags that the reader gives to scalars without one: written plainly, or quoted or as a block.
PLAIN = "?"
QUOTED = "!"

NULLS = frozenset(("", "~", "null", "Null", "NULL"))
BOOLS: dict[str, bool] = {word: value for words, value in (
    (("true", "True", "TRUE"), True), (("false", "False", "FALSE"), False),
) for word in words}  # fmt: skip
# Only a field that is a boolean understands these, and it does so even where they are quoted.
OLD_BOOLS: dict[str, bool] = {word: value for words, value in (
    (("y", "Y", "yes", "Yes", "YES", "on", "On", "ON"), True),
    (("n", "N", "no", "No", "NO", "off", "Off", "OFF"), False),
) for word in words}  # fmt: skip

INTEGER = re.compile(r"[-+]?(?:0[bB](?P<b>[01]+)|0[xX](?P<x>[0-9a-fA-F]+)|0[oO]?(?P<o>[0-7]+)|(?P<d>0|[1-9][0-9]*))")
FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
BASES = {"b": 2, "x": 16, "o": 8, "d": 10}
# More decimal digits than 64 bits hold. Python takes no text of more than 4300; what is longer is too large all the same.
MANY_DIGITS = 40

YAML_TAG = "tag:yaml.org,2002:"
Meaning = Literal["null", "bool", "int", "float", "str"]


def integer(text: str) -> int | None:
    """The integer that a plain scalar spells (`420`, `0644`, `0o644`, `0x1a4`, `0b110`, `4_20`), None where it spells none."""
    if not text or text[0] not in "+-0123456789":
        return None
    found = INTEGER.fullmatch(text.replace("_", ""))
    if not found:
        return None
    base = found.lastgroup or "d"
    digits = found[base][:MANY_DIGITS] if base == "d" else found[base]
    value = int(digits, BASES[base])
    return -value if text[0] == "-" else value


def meaning(text: str, tag: str) -> Meaning:
    """What a scalar is where no type is expected of it: for messages about it."""
    if tag == QUOTED:
        return "str"
    if tag.startswith(YAML_TAG):
        name = tag[len(YAML_TAG) :]
        return name if name in ("null", "bool", "int", "float") else "str"  # type: ignore[return-value]  # just checked
    if tag != PLAIN:
        return "str"
    if text in NULLS:
        return "null"
    if text in BOOLS:
        return "bool"
    if integer(text) is not None:
        return "int"
    return "float" if FLOAT.fullmatch(text.replace("_", "")) else "str"


def fits_tag(text: str, what: Meaning) -> bool:
    """Whether a text is what its explicit tag says: `!!int x` and `!!bool yes` are not."""
    plain = meaning(text, PLAIN)
    return what in ("str", plain) or (what, plain) == ("float", "int")


def resolve(text: str, tag: str, kind: Kind) -> str | int | bool | Bad | None:
    """The scalar as a value of `kind`; None for null, `BAD` where it is none of that kind."""
    if tag != PLAIN and tag != QUOTED:
        if tag == YAML_TAG + "binary":
            return binary(text) if kind == "str" else BAD
        what = meaning(text, tag)
        if not fits_tag(text, what):
            return BAD
        tag = QUOTED if what == "str" else PLAIN
    if tag == PLAIN and text in NULLS:
        return None
    if kind == "str":
        return text
    if kind == "bool":
        value = OLD_BOOLS.get(text)
        return value if value is not None else BOOLS.get(text, BAD) if tag == PLAIN else BAD
    number = integer(text) if tag == PLAIN else None
    return BAD if number is None or not -(2**63) <= number < 2**63 else number


def binary(text: str) -> str | Bad:
    """The bytes of a `!!binary` scalar, as text in which a byte that is no UTF-8 is a lone surrogate."""
    import base64

    try:
        return base64.b64decode(text.replace("\r", "").replace("\n", ""), validate=True).decode(
            "utf-8", "surrogateescape"
        )
    except ValueError:
        return BAD
