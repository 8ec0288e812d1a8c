"""A plain value as YAML, for the filter `to_yaml`: block style below, one line where it is a scalar."""

from collections.abc import Iterator

from provision.decompile.scalars import escaped, lines_of, one_line

STEP = 2


def to_yaml(value: object) -> str:
    """The YAML of a value, without a line end. A text of several lines is written on one, between quotes."""
    if isinstance(value, str):
        return f'"{escaped(value)}"' if "\n" in value else one_line(value)
    return "\n".join(lines(value))


def lines(value: object) -> Iterator[str]:
    """The lines of a value, not indented. TypeError for what YAML has no plain form of."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from entry(f"{scalar_key(key)}:", item)
    elif isinstance(value, list | tuple) and value:
        for item in value:
            yield from entry("-", item)
    else:
        yield scalar(value)


def entry(head: str, value: object) -> Iterator[str]:
    """A key or a dash, with its value behind or below it."""
    pad = " " * STEP
    if isinstance(value, str):
        first, *rest = lines_of(value, STEP)
        yield f"{head} {first}"
        yield from rest
    elif isinstance(value, dict | list | tuple) and value:
        below = lines(value)
        if head == "-":
            yield f"- {next(below)}"
        else:
            yield head
        yield from (pad + line if line else line for line in below)
    else:
        yield f"{head} {scalar(value)}"


def scalar_key(key: object) -> str:
    """A key of a mapping."""
    return one_line(key) if isinstance(key, str) else scalar(key)


def scalar(value: object) -> str:
    """A number, a boolean, null, a text or an empty collection."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return float_text(value)
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, dict) and not value:
        return "{}"
    if isinstance(value, list | tuple) and not value:
        return "[]"
    raise TypeError(f"{type(value).__name__} has no YAML")


def float_text(value: float) -> str:
    """A number with a fraction, also one that is none."""
    if value != value:
        return ".nan"
    return str(value) if abs(value) != float("inf") else (".inf" if value > 0 else "-.inf")
