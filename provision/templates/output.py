"""What an expression puts out: text that knows its origin, and never Python's spelling of a collection."""

from collections.abc import Callable, Iterator

from jinja2.filters import do_indent, do_trim
from jinja2.runtime import Undefined

from provision.templates import filters, limits
from provision.templates.faults import RenderingError
from provision.templates.positions import Piece, Run, Source, indented, piece, trimmed

Where = tuple[Source, int, int]


def shower(meter: limits.Meter) -> Callable[[object, Where], str]:
    """What turns the value of an expression into text: no Python spelling of a collection ever gets into a document."""

    def shown(value: object, where: Where) -> str:
        kind = type(value)
        if kind is Piece:
            text: str = value  # type: ignore[assignment]  # as the type says
            meter.count(len(text))
            return text
        if kind is str:
            text = value  # type: ignore[assignment]  # as above
        elif kind is int:
            text = str(value)
        elif value is True or value is False:
            text = "true" if value else "false"
        elif isinstance(value, str | float | Undefined):
            text = "".join(str(value))
        else:
            raise not_text(value)
        length = len(text)
        meter.count(length)
        return piece(text, (Run(length, *where),) if length else ())

    return shown


def not_text(value: object) -> RenderingError:
    """The answer to a value that has no one spelling."""
    what = filters.kind_of(value)
    if value is None:
        return RenderingError(
            "the expression gives null, which has no one spelling in a text",
            "write `to_yaml` behind it, or `default('…', true)`",
        )
    if isinstance(value, list | tuple | dict):
        either = "`to_yaml`, `to_json` or `join(',')`" if not isinstance(value, dict) else "`to_yaml` or `to_json`"
        return RenderingError(
            f"the expression gives {what}, which has no one spelling in a text", f"write {either} behind it"
        )
    if callable(value):
        return RenderingError("the expression gives a function, not what it returns", "call it: write `()` behind it")
    if isinstance(value, Iterator):
        return RenderingError(
            "the expression gives a list that is not made yet", "write `join(',')` or `list` behind it"
        )
    return RenderingError("the expression gives something that is no text")


def indent(s: str, width: int | str = 4, first: bool = False, blank: bool = False) -> str:
    """Jinja's filter; the result keeps the places of its lines."""
    result = do_indent(s, width, first, blank)
    return indented(s, result) if type(s) is Piece and type(result) is str else result


def trim(value: str, chars: str | None = None) -> str:
    """Jinja's filter; the result keeps the places of its lines."""
    return trimmed(value) if type(value) is Piece and chars is None else do_trim(value, chars)
