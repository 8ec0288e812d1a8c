"""The schema of a parameter: which keywords it may have, how values become plain, and the words for what does not fit.

jsonschema finds what does not fit; the words are ours, from the failing keyword. A secret value is never quoted.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

from provision.diagnostics import Span, nearest
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
LONGEST_SHOWN = 40


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


# ---- checking ---------------------------------------------------------------------------------------------------


class Unfit(NamedTuple):
    """What does not fit: the path in the value, the words, and the remedy. `key` is a key that should not be there."""

    path: tuple[str | int, ...]
    message: str
    hint: str | None = None
    key: str | None = None


@lru_cache(maxsize=1)
def validator_class() -> Any:
    """jsonschema's validator with our formats."""
    from jsonschema import Draft202012Validator, FormatChecker
    from jsonschema.validators import extend

    checked = extend(Draft202012Validator, {"pattern": pattern_fault})  # type: ignore[no-untyped-call]  # as its stubs are
    checker = FormatChecker(formats=())
    for name, row in FORMATS.items():
        checker.checks(name)(lambda value, row=row: not isinstance(value, str) or bool(row.holds(value)))
    return lambda schema: checked(schema, format_checker=checker)


def pattern_fault(validator: Any, pattern: str, value: object, schema: Any) -> Iterator[Any]:
    """The keyword `pattern`, with `$` as ECMA-262 has it: the end of the text, and not also a line end before that."""
    from jsonschema import ValidationError

    if isinstance(value, str) and not re.search(to_the_end(pattern), value):
        yield ValidationError("the text does not match the pattern")


@lru_cache(maxsize=256)
def to_the_end(pattern: str) -> str:
    """A pattern whose `$` is nothing but the end of a text, for Python."""
    return re.sub(r"\\.|\[\]?(?:\\.|[^\]\\])*\]|\$", lambda part: r"\Z" if part[0] == "$" else part[0], pattern)


def unfit(value: object, parameter: Parameter, validator: Any) -> list[Unfit]:
    """All that is wrong with a value, in the order of its parts."""
    found: list[Unfit] = []
    for error in validator.iter_errors(value):
        path = tuple(error.absolute_path)
        found.extend(words(error, ".".join(map(str, (parameter.name, *path))), path, parameter.secret))
    return sorted(found, key=lambda each: [str(step) for step in each.path])


def shown(value: object, secret: bool) -> str:
    """A value in a message."""
    if secret:
        return f"this {NOUNS[type_of(value)].removeprefix('a ').removeprefix('an ')}" if value is not None else "null"
    if isinstance(value, list | dict):
        return NOUNS[type_of(value)]
    text = "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    first = text.split("\n", 1)[0]
    cut = first[: LONGEST_SHOWN - 1] + "…" if len(first) > LONGEST_SHOWN or first != text else first
    return f"`{cut}`" if not isinstance(value, str) or text else "an empty text"


def words(error: Any, name: str, path: tuple[str | int, ...], secret: bool) -> Iterator[Unfit]:
    """One of jsonschema's errors in our words."""
    rule, limit, value = error.validator, error.validator_value, error.instance
    if rule == "required":
        for key in limit:
            if key not in value:
                yield Unfit(path, f"`{name}` has no `{key}`, which it needs", f"set `{name}.{key}`")
        return
    if rule in ("additionalProperties", "unevaluatedProperties"):
        known = list(error.schema.get("properties", ()))
        for key in sorted(map(str, value)):
            if key not in known and not error.schema.get("patternProperties"):
                meant = nearest(key, known)
                hint = f"did you mean `{meant}`?" if meant else f"known here: {', '.join(known)}" if known else None
                yield Unfit(path, f"`{name}` takes no key `{key}`", hint, key)
        return
    if rule in ("anyOf", "oneOf") and error.context:
        yield best_of(error, name, path, secret)
        return
    yield Unfit(path, *phrase(rule, limit, value, f"`{name}`", shown(value, secret), secret))


def best_of(error: Any, name: str, path: tuple[str | int, ...], secret: bool) -> Unfit:
    """The words for a value that fits none of several schemas, or more than one."""
    wanted = [summary_of(part) for part in error.validator_value if isinstance(part, dict)]
    listed = "; or ".join(each for each in wanted if each)
    return Unfit(path, f"`{name}` is {shown(error.instance, secret)}; it must be {listed or 'something else'}")


def phrase(
    rule: str, limit: Any, value: Any, name: str, said: str, secret: bool
) -> tuple[str, str | None]:  # fmt: skip
    """The fact with its limit, and the remedy, for a keyword that a value does not keep to."""
    size = len(value) if isinstance(value, str | list | dict) else 0
    if rule == "type":
        return wrong_type(limit, value, name, said)
    if rule == "format":
        row = FORMATS.get(limit)
        return (
            f"{name} must be {row.what if row else limit}, and {said} is none",
            f"write it like {row.example}" if row else None,
        )
    if rule in ("enum", "const"):
        allowed = limit if rule == "enum" else [limit]
        meant = nearest(str(value), list(map(str, allowed))) if not secret else None
        listed = ", ".join(f"`{'null' if each is None else each}`" for each in allowed)
        return (
            f"{name} is {said}; it must be {'one of ' if len(allowed) > 1 else ''}{listed}",
            f"did you mean `{meant}`?" if meant else None,
        )
    counted = {
        "minLength": ("characters", "at least"), "maxLength": ("characters", "at most"), "minItems": ("elements", "at least"),
        "maxItems": ("elements", "at most"), "minProperties": ("keys", "at least"), "maxProperties": ("keys", "at most"),
    }  # fmt: skip
    if rule in counted:
        unit, which = counted[rule]
        return f"{name} has {size} {unit if size != 1 else unit[:-1]}; it takes {which} {limit}", None
    compared = {
        "minimum": "at least", "maximum": "at most", "exclusiveMinimum": "more than", "exclusiveMaximum": "less than",
        "multipleOf": "a multiple of",
    }  # fmt: skip
    if rule in compared:
        return f"{name} is {said}; it must be {compared[rule]} {limit}", None
    if rule == "pattern":
        return f"{name} is {said}, which does not match the pattern `{limit}`", None
    if rule == "uniqueItems":
        return f"{name} has an element twice", "take one of them out"
    if rule == "dependentRequired":
        return f"{name} lacks keys that others of its keys need", None
    return f"{name} is {said}, which `{rule}` in the parameter's schema does not allow", None


def wrong_type(limit: Any, value: Any, name: str, said: str) -> tuple[str, str | None]:
    """The words for a value of another type."""
    wanted = limit if isinstance(limit, list) else [limit]
    nouns = " or ".join(NOUNS.get(each, str(each)) for each in wanted)
    hint = None
    if isinstance(value, str) and any(each in wanted for each in ("integer", "number", "boolean")):
        hint = "take the quotes off" if meaning(value, PLAIN) in ("int", "float", "bool") else None
    elif "array" in wanted and not isinstance(value, list):
        hint = "write it as a list, also with one element: [a]"
    elif "object" in wanted and not isinstance(value, dict):
        hint = "write its keys below it, each with its value"
    return f"{name} must be {nouns}, not {'the text ' if isinstance(value, str) and said[0] == '`' else ''}{said}", hint


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
