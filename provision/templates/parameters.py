"""The schema of a parameter: which keywords it may have, how values become plain by it, and what it asks in a few words."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

from provision.diagnostics import Span
from provision.document.nodes import NodeSource
from provision.document.scalars import NULLS, PLAIN, integer, meaning
from provision.templates.formats import FORMATS

Schema = Mapping[str, Any]

TYPES = ("string", "integer", "number", "boolean", "array", "object", "null")
NOUNS = {
    "string": "a text", "integer": "an integer", "number": "a number", "boolean": "true or false", "array": "a list",
    "object": "a mapping", "null": "null",
}  # fmt: skip
# The keywords of JSON Schema (draft 2020-12) that parameters have. None of them refers to another document.
KEYWORDS = (
    "type", "description", "default", "examples", "title", "format", "enum", "const", "minLength", "maxLength", "pattern", "minimum",
    "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "items", "prefixItems", "minItems", "maxItems", "uniqueItems",
    "contains", "minContains", "maxContains", "properties", "required", "additionalProperties", "patternProperties",
    "propertyNames", "minProperties", "maxProperties", "dependentRequired", "anyOf", "oneOf", "allOf", "not", "if", "then", "else",
    "deprecated",
)  # fmt: skip
OWN_KEYWORDS = ("secret",)
# Where schemas stand in schemas: one, a list of them, a mapping of them.
ONE = ("items", "contains", "additionalProperties", "propertyNames", "not", "if", "then", "else")
LISTED = ("prefixItems", "anyOf", "oneOf", "allOf")
NAMED = ("properties", "patternProperties")


class Parameter(NamedTuple):
    """A parameter of a template. `schema` is plain JSON Schema; `span` is where its name stands in the template."""

    name: str
    schema: Schema
    span: Span
    secret: bool = False

    @property
    def required(self) -> bool:
        """Whether it has no default."""
        return "default" not in self.schema

    @property
    def default(self) -> object:
        """What it is where nothing is given."""
        return self.schema.get("default")

    @property
    def description(self) -> str:
        """What it is for, on one line."""
        return " ".join(str(self.schema.get("description", "")).split())

    @property
    def summary(self) -> str:
        """Its type and limits in a few words, such as `integer, 1 to 65535`."""
        return summary_of(self.schema)


def parts_of(schema: Schema) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """The schemas directly in a schema, with the path to each."""
    for key in ONE:
        if key in schema:
            yield (key,), schema[key]
    for key in LISTED:
        for at, part in enumerate(schema[key] if isinstance(schema.get(key), list) else ()):
            yield (key, at), part
    for key in NAMED:
        for name, part in schema[key].items() if isinstance(schema.get(key), dict) else ():
            yield (key, name), part


# ---- from nodes to plain values ---------------------------------------------------------------------------------


def plain(node: Node, schema: Any, source: NodeSource) -> Any:
    """The plain value of a node. Where its schema wants a text, a scalar that is not in quotes keeps its spelling."""
    if not isinstance(schema, dict):
        schema = {}
    if isinstance(node, ScalarNode):
        return plain_scalar(node, types_of(schema))
    if isinstance(node, MappingNode):
        entries = source.entries(node) or ()
        properties, others = schema.get("properties"), schema.get("additionalProperties")
        known = properties if isinstance(properties, dict) else {}
        return {key: plain(value, known.get(key, others), source) for key, value in entries}
    first = schema.get("prefixItems")
    firsts = first if isinstance(first, list) else []
    return [
        plain(item, firsts[at] if at < len(firsts) else schema.get("items"), source)
        for at, item in enumerate(node.value)
    ]


def plain_scalar(node: ScalarNode, types: frozenset[str]) -> Any:
    """A scalar by what it says, or, where only a text fits, as it is spelled."""
    tag = str(node.tag)
    what = meaning(node.value, tag)
    kind = {"null": "null", "bool": "boolean", "int": "integer", "float": "number"}.get(what)
    if kind is None or ("string" in types and kind not in types and not (kind == "integer" and "number" in types)):
        return None if node.value in NULLS and tag == PLAIN and "string" not in types else node.value
    if kind == "null":
        return None
    if kind == "boolean":
        return node.value.lower() == "true"
    if kind == "integer":
        return integer(node.value) or 0
    return float(node.value.replace("_", "").lower().replace(".inf", "inf").replace(".nan", "nan"))


def types_of(schema: Schema) -> frozenset[str]:
    """The types that a schema lets through, as far as it says so; none where it does not say."""
    said = schema.get("type")
    if isinstance(said, str):
        return frozenset((said,))
    if isinstance(said, list):
        return frozenset(each for each in said if isinstance(each, str))
    values = schema["enum"] if isinstance(schema.get("enum"), list) else [schema["const"]] if "const" in schema else []
    found = {type_of(value) for value in values}
    for key in ("anyOf", "oneOf"):
        for part in schema[key] if isinstance(schema.get(key), list) else ():
            found |= types_of(part) if isinstance(part, dict) else set()
    return frozenset(found)


def type_of(value: object) -> str:
    """The type of a plain value, as JSON Schema calls it."""
    kinds: tuple[tuple[type, str], ...] = (
        (bool, "boolean"), (int, "integer"), (float, "number"), (str, "string"), (list, "array"), (dict, "object"),
    )  # fmt: skip
    return next((name for cls, name in kinds if isinstance(value, cls)), "null")


def completed(value: Any, schema: Any) -> Any:
    """A value with the defaults of its parts, where its schema has some."""
    if not isinstance(schema, dict):
        return value
    if isinstance(value, dict) and isinstance(schema.get("properties"), dict):
        for name, part in schema["properties"].items():
            if isinstance(part, dict) and name not in value and "default" in part:
                value = {**value, name: part["default"]}
        return {name: completed(item, schema["properties"].get(name)) for name, item in value.items()}
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        return [completed(item, schema["items"]) for item in value]
    return value


# ---- describing -------------------------------------------------------------------------------------------------


def summary_of(schema: Schema) -> str:
    """A schema in a few words."""
    if isinstance(schema.get("enum"), list):
        return "one of " + ", ".join(
            "null" if each is None else str(each).lower() if isinstance(each, bool) else str(each)
            for each in schema["enum"]
        )
    if "const" in schema:
        return f"always {schema['const']}"
    kinds = schema.get("type")
    listed: Sequence[str] = kinds if isinstance(kinds, list) else [kinds] if isinstance(kinds, str) else []
    name = " or ".join(listed)
    if not name:
        either: Sequence[Any] = next(
            (schema[key] for key in ("anyOf", "oneOf") if isinstance(schema.get(key), list)), []
        )
        return " or ".join(summary_of(part) for part in either if isinstance(part, dict)) or "anything"
    if "array" in listed and isinstance(schema.get("items"), dict):
        name = name.replace("array", f"list of {plural(summary_of(schema['items']))}")
    name = name.replace("array", "list").replace("object", "mapping")
    return ", ".join([name, *limits_of(schema)])


def plural(words: str) -> str:
    """`string` → `strings`, `one of a, b` → `any of a, b`; what has several words stays."""
    if words.startswith("one of "):
        return "any of " + words.removeprefix("one of ")
    first, comma, rest = words.partition(",")
    return (f"{first}s" if first in (*TYPES, "mapping") else first) + (f" ({rest.strip()})" if comma else "")


def limits_of(schema: Schema) -> Iterator[str]:
    """What a schema asks beyond the type."""
    if isinstance(schema.get("format"), str):
        yield FORMATS[schema["format"]].what if schema["format"] in FORMATS else schema["format"]
    for low, high, unit in (
        ("minimum", "maximum", ""), ("minLength", "maxLength", " characters"), ("minItems", "maxItems", " elements"),
    ):  # fmt: skip
        least, most = schema.get(low), schema.get(high)
        if least is not None and most is not None:
            yield f"{least} to {most}{unit}" if least != most else f"{least}{unit}"
        elif least is not None:
            yield f"at least {least}{unit}"
        elif most is not None:
            yield f"at most {most}{unit}"
    if isinstance(schema.get("pattern"), str):
        yield f"pattern {schema['pattern']}"
