"""Whether a value fits a parameter's schema. jsonschema finds what does not; the words are ours, from the failing keyword.

A secret value is never quoted.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from provision.diagnostics import nearest
from provision.document.scalars import PLAIN, meaning
from provision.templates.formats import FORMATS
from provision.templates.parameters import NOUNS, Parameter, summary_of, type_of

LONGEST_SHOWN = 40


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
