"""Hypothesis strategies that follow a JSON Schema: values that fit it, at its limits and in between.

The keywords are those that parameters of the library use; another one is an error here, so that none is passed over.
"""

import json
import re
import string
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from provision.templates.formats import FORMATS
from provision.templates.parameters import completed

Schema = dict[str, Any]
Values = st.SearchStrategy[Any]

NO_LIMITS = {"type", "description", "default", "examples"}
MOST_ITEMS = 4
LABEL = r"[a-zA-Z0-9]([a-zA-Z0-9-]{0,10}[a-zA-Z0-9])?"
BASE64 = string.ascii_letters + string.digits + "+/"


def prefixed(addresses: Values, longest: int) -> Values:
    """Addresses with the length of a prefix."""
    return st.tuples(addresses, st.integers(0, longest)).map(lambda both: f"{both[0]}/{both[1]}")


def network(interface: str) -> str:
    """The network of an address with a prefix."""
    from ipaddress import ip_interface

    return str(ip_interface(interface).network)


V4, V6 = st.ip_addresses(v=4).map(str), st.ip_addresses(v=6).map(str)
INTERFACES = prefixed(V4, 32) | prefixed(V6, 128)
OF_FORMAT: dict[str, Values] = {
    "hostname": st.from_regex(rf"{LABEL}(\.{LABEL}){{0,2}}", fullmatch=True)
    | st.sampled_from(["null", "true", "1", "1e3", "0x1F", "NO"]),
    "ip": V4 | V6,
    "ipv4": V4,
    "ipv6": V6,
    "ip-interface": INTERFACES,
    "ip-network": INTERFACES.map(network),
    "user": st.from_regex(r"[a-z_][a-z0-9_-]{0,30}", fullmatch=True) | st.sampled_from(["null", "true", "y", "no"]),
    "ssh-key": st.builds(
        lambda body, comment: f"ssh-ed25519 {body}{comment}",
        st.text(BASE64, min_size=16, max_size=80),
        st.sampled_from(["", " me@example.com", ' a "quoted" word', " {{ braces }} # and %i"]),
    ),
}


def values_of(schema: Schema) -> Values:
    """Values that fit a schema."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "const" in schema:
        return st.just(schema["const"])
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    found = st.one_of([BY_TYPE[kind](schema) for kind in kinds])
    if "not" in schema:
        found = found.filter(lambda value: not fits_pattern(schema["not"], value))
    return found


def fits_pattern(schema: Schema, value: Any) -> bool:
    """Whether a value is what a `not` excludes: some values, or texts of a pattern."""
    known(schema, {"enum", "pattern"})
    return value in schema.get("enum", ()) or bool("pattern" in schema and re.search(schema["pattern"], str(value)))


def known(schema: Schema, keywords: set[str]) -> None:
    """Refuse a schema with a keyword that nothing here heeds."""
    assert not schema.keys() - keywords - NO_LIMITS, schema.keys()


def texts(schema: Schema) -> Values:
    """Texts of a pattern, a format, or any."""
    known(schema, {"format", "pattern", "minLength", "maxLength", "not"})
    least, most = schema.get("minLength", 0), schema.get("maxLength", 10**6)
    if "format" in schema:
        assert schema["format"] in FORMATS
        found = OF_FORMAT[schema["format"]]
    else:
        found = st.from_regex(re.compile(schema["pattern"], re.ASCII), fullmatch=True)
    return found.filter(lambda text: least <= len(text) <= most)


def integers(schema: Schema) -> Values:
    """Integers, also the smallest and the largest."""
    known(schema, {"minimum", "maximum"})
    low, high = schema["minimum"], schema["maximum"]
    return st.integers(low, high) | st.sampled_from([low, high])


def numbers(schema: Schema) -> Values:
    """Numbers, also the smallest and the largest."""
    known(schema, {"minimum", "maximum"})
    return st.floats(schema["minimum"], schema["maximum"]) | integers(schema)


def lists(schema: Schema) -> Values:
    """Lists, mostly short ones."""
    known(schema, {"items", "minItems", "maxItems", "uniqueItems", "anyOf"})
    if "anyOf" in schema:
        rest = {key: value for key, value in schema.items() if key != "anyOf"}
        return st.one_of([lists({**rest, **part}) for part in schema["anyOf"]])
    least = schema.get("minItems", 0)
    most = min(schema.get("maxItems", MOST_ITEMS), least + MOST_ITEMS)
    items = schema["items"]

    def alike(value: Any) -> str:
        """The same for values that are the same with their defaults."""
        return json.dumps(completed(value, items), sort_keys=True)

    return st.lists(
        values_of(items), min_size=least, max_size=most, unique_by=alike if schema.get("uniqueItems") else None
    )


def mappings(schema: Schema) -> Values:
    """Mappings with keys of their own, or with any keys of a kind."""
    known(schema, {"properties", "required", "additionalProperties", "propertyNames", "maxProperties", "anyOf"})
    if "anyOf" in schema:
        rest = {key: value for key, value in schema.items() if key != "anyOf"}
        return st.one_of([mappings(narrowed(rest, part)) for part in schema["anyOf"]])
    if "properties" in schema:
        assert schema["additionalProperties"] is False
        parts = {name: values_of(part) for name, part in schema["properties"].items()}
        needed = {name: parts.pop(name) for name in schema.get("required", ())}
        return st.fixed_dictionaries(needed, optional=parts)
    names = texts({"type": "string", **schema["propertyNames"]})
    return st.dictionaries(names, values_of(schema["additionalProperties"]), max_size=MOST_ITEMS)


def narrowed(schema: Schema, part: Schema) -> Schema:
    """A schema of a mapping with what one of its `anyOf` asks."""
    known(part, {"required", "properties"})
    properties = {
        name: {**row, **part.get("properties", {}).get(name, {})} for name, row in schema["properties"].items()
    }
    return {**schema, "properties": properties, "required": part.get("required", [])}


BY_TYPE: dict[str, Callable[[Schema], Values]] = {
    "string": texts,
    "integer": integers,
    "number": numbers,
    "boolean": lambda schema: st.booleans(),
    "null": lambda schema: st.none(),
    "array": lists,
    "object": mappings,
}
