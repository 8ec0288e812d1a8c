"""From what Jinja raises to diagnostics: the place in the template, and words that help."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from provision.diagnostics import Diagnostic, Span, nearest
from provision.templates.faults import RenderingError
from provision.templates.filters import is_plain, kind_of
from provision.templates.library import LibraryError, Template

if TYPE_CHECKING:
    from provision.templates.engine import Engine

# How Jinja's complaints about syntax begin, and what they mostly mean to the person who wrote the line.
ADVICE = (
    ("expected token 'end of print statement'", "an expression does not end where it could", "write `}}` behind it, or an operator between its parts"),
    ("expected token 'end of statement block'", "a tag has more in it than it takes", "write `%}` behind it"),
    ("expected token 'name'", "a name is missing", None),
    ("expected token 'in'", "a `for` has no `in`", "write `{% for x in list %}`"),
    ("expected token", "an expression is cut off or has a part too many", None),
    ("tag name expected", "a tag is empty", "write what it does: `{% if … %}`"),
    ("Expected an expression, got 'end of print statement'", "an expression is empty", "write a name between `{{` and `}}`"),
    ("Expected an expression", "an expression is missing", None),
    ("unexpected '}'", "a bracket is closed that was not opened", "an expression ends with `}}`"),
    ("unexpected ')'", "a bracket is closed that was not opened", None),
    ("unexpected ']'", "a bracket is closed that was not opened", None),
    ("unexpected 'end of", "an expression is missing or cut off", None),
    ("unexpected char", "a character that has no meaning in an expression", "put texts into quotes"),
    ("unexpected", "a part of an expression stands where none can", None),
    ("Missing end of comment tag", "a comment is not closed", "close it with `#}`"),
    ("Missing end of raw directive", "a `{% raw %}` is not closed", "close it with `{% endraw %}`"),
    ("block", "a block is defined twice", "give each its own name"),
    ("can't assign to", "a `set` or `for` can't give a value to this", None),
)  # fmt: skip


def explained(error: BaseException, engine: "Engine", template: Template) -> Iterator[Diagnostic]:
    """What went wrong, at its place. What is no mistake of a template is raised again."""
    from jinja2.exceptions import SecurityError, TemplateNotFound, TemplatesNotFound, TemplateSyntaxError

    from provision.templates.engine import MistakesError, UnknownNameError

    if isinstance(error, MistakesError):
        for each in error.found:
            source = engine.sources[each.name]
            yield Diagnostic(
                each.code, "error", each.message, source.file, source.span(each.start, each.end), each.hint
            )
    elif isinstance(error, LibraryError):
        yield error.diagnostic
    elif isinstance(error, TemplateSyntaxError):
        yield syntax_error(error, engine, template)
    elif isinstance(error, RenderingError):
        if error.where is not None:
            source, start, end = error.where
            yield Diagnostic(error.code, "error", error.message, source.file, source.span(start, end), error.hint)
        else:
            yield at(error, engine, template, error.code, error.message, error.hint, error.word)
    elif isinstance(error, UnknownNameError):
        yield unknown(error, engine, template)
    elif isinstance(error, TemplatesNotFound | TemplateNotFound):
        yield not_found(error, engine, template)
    elif isinstance(error, SecurityError):
        yield at(
            error,
            engine,
            template,
            "PV786",
            "the sandbox does not allow this",
            "templates have plain values, filters and tests",
        )
    elif isinstance(error, RecursionError) and place_of(error) is not None:
        yield at(
            error, engine, template, "PV787", "macros, includes or blocks use each other without end, or too deep",
            "find the one that comes back to itself",
        )  # fmt: skip
    elif isinstance(error, MemoryError):
        yield at(error, engine, template, "PV787", "the expression needs more memory than a template may have")
    elif isinstance(error, SyntaxError | RecursionError):  # of the Python that Jinja wrote, or in reading
        yield Diagnostic(
            "PV787", "error", "the template nests tags or brackets deeper than can be compiled", template.file, Span(1, 1, 1, 2),
            "put inner parts into macros",
        )  # fmt: skip
    else:
        yield failed(error, engine, template)


def failed(error: BaseException, engine: "Engine", template: Template) -> Diagnostic:
    """An expression that Python could not work out."""
    words = str(error).split("\n", 1)[0].rstrip(".")
    if isinstance(error, ZeroDivisionError):
        words = "division by zero"
    elif isinstance(error, OverflowError) and "MAX_RANGE" in words:
        return at(error, engine, template, "PV787", "a range has more than 100000 elements, the limit", None, "range")
    return at(error, engine, template, "PV786", f"the expression can't be worked out: {words or type(error).__name__}")


def at(
    error: BaseException,
    engine: "Engine",
    template: Template,
    code: str,
    message: str,
    hint: str | None = None,
    word: str | None = None,
) -> Diagnostic:
    """A diagnostic at the innermost place in a template that an exception passed through."""
    place = place_of(error)
    if place is None or place[0] not in engine.sources:
        return Diagnostic(code, "error", message, template.file, Span(1, 1, 1, 2), hint)
    source = engine.sources[place[0]]
    span = source.span(*engine.locate(place[0], place[1], word))
    return Diagnostic(code, "error", message, source.file, span, hint)


def place_of(error: BaseException) -> tuple[str, int] | None:
    """Name and line of the innermost template that an exception passed through; of what comes back to itself without end, those
    of where it first did so: how deep Python gets, and so what is innermost, is an accident.
    """
    place: tuple[str, int] | None = None
    seen: set[tuple[str, int]] = set()
    for place in places_of(error):
        if isinstance(error, RecursionError) and place in seen:
            break
        seen.add(place)
    return place


def places_of(error: BaseException) -> Iterator[tuple[str, int]]:
    """Name and line of each template that an exception passed through, the outermost first."""
    trace = error.__traceback__
    while trace is not None:
        found: Any = trace.tb_frame.f_globals.get("__jinja_template__")
        if found is not None and trace.tb_frame.f_code.co_filename == found.filename:
            yield found.name, found.get_corresponding_lineno(trace.tb_lineno)
        trace = trace.tb_next


def syntax_error(error: Any, engine: "Engine", template: Template) -> Diagnostic:
    """Jinja's complaint about the syntax of a file, in words that help."""
    from provision.templates.tags import unclosed

    name = error.name or template.name
    if name not in engine.sources:
        name = template.name
    source, tags = engine.sources[name], engine.tags[name]
    said = str(error.message or "")
    if said.startswith("unexpected end of template"):
        start = tags.starts[-1] if tags.starts else 0
        message = "a tag is not closed"
        return Diagnostic(
            "PV780", "error", message, source.file, source.span(start, start + 2), "close it with `}}` or `%}`"
        )
    if said.startswith("Unexpected end of template"):
        start, word = unclosed(tags) or (len(source.text), "")
        span = source.span(*engine.tag_at(name, start)) if word else source.span(start, start + 1)
        message = f"`{{% {word} %}}` has no end" if word else "the template ends inside a tag"
        return Diagnostic(
            "PV780", "error", message, source.file, span, f"write `{{% end{word} %}}` where it ends" if word else None
        )
    start = getattr(error.lineno, "offset", tags.reached[-1])
    end = token_end(source.text, start)
    if said.startswith("Encountered unknown tag"):
        return unknown_tag(source.text, source, start, end)
    message, hint = next(
        ((f"not a template: {row[1]}", row[2]) for row in ADVICE if said.startswith(row[0])),
        (f"not a template: {said}", None),
    )
    return Diagnostic("PV780", "error", message, source.file, source.span(start, end), hint)


def unknown_tag(text: str, source: Any, start: int, end: int) -> Diagnostic:
    """A tag that Jinja does not have, or that ends what was not begun."""
    word = text[start:end]
    hint: str | None
    if word.startswith("end") or word in ("else", "elif"):
        message, hint = (
            f"`{{% {word} %}}` ends nothing: no tag that it belongs to is open here",
            "take it out, or add the tag before",
        )
    else:
        known = [
            "for",
            "if",
            "set",
            "macro",
            "include",
            "import",
            "from",
            "filter",
            "call",
            "block",
            "extends",
            "with",
            "raw",
            "endfor",
            "endif",
        ]
        meant = nearest(word, known)
        message, hint = f"there is no tag `{word}`", f"did you mean `{meant}`?" if meant else None
    return Diagnostic("PV780", "error", message, source.file, source.span(start, end), hint)


def token_end(text: str, start: int) -> int:
    """The end of the word, or of the one character, that begins at an offset."""
    end = start
    while end < len(text) and (text[end].isalnum() or text[end] == "_"):
        end += 1
    return max(end, start + 1)


def unknown(error: Any, engine: "Engine", template: Template) -> Diagnostic:
    """A name that is not there: a variable, or a key of a value."""
    from provision.templates.engine import unknown_name

    name, owner = error.name, error.owner
    word = name if isinstance(name, str) else None
    if error.hint and owner is None:
        of_macro = error.hint.startswith("parameter ")
        what = f"the macro's `{name}` was not given" if of_macro else f"the imported file has no `{name}`"
        return at(error, engine, template, "PV782", what, None, word)
    if owner is None or type(owner).__name__ == "missing":
        header = template.header
        said, hint = unknown_name(str(name), header.parameters if header else ())
        return at(error, engine, template, "PV782", said, hint, word)
    if isinstance(owner, dict):
        meant = nearest(str(name), list(map(str, owner)))
        hint = (
            f"did you mean `{meant}`?"
            if meant
            else f"its keys are {', '.join(map(str, owner))}"
            if owner
            else "it is empty"
        )
        return at(error, engine, template, "PV782", f"the mapping has no key `{name}`", hint, word)
    if isinstance(owner, list | tuple):
        return at(
            error, engine, template, "PV782", f"the list has {len(owner)} elements; there is no `{name}`", None, word
        )
    what = f"{kind_of(owner)} has no `{name}`" if is_plain(owner) else f"there is no `{name}`"
    return at(error, engine, template, "PV782", what, None, word)


def not_found(error: Any, engine: "Engine", template: Template) -> Diagnostic:
    """A file that a template includes, and that is not there."""
    name = str(error.name or "")
    known = [each for each in template.library.names() if each.endswith(".j2")]
    meant = nearest(name, known)
    hint = f"did you mean `{meant}`?" if meant else f"files are looked for in {template.library.path}"
    return at(
        error,
        engine,
        template,
        "PV788",
        f"there is no `{name}` in the template's library",
        hint,
        name.rpartition("/")[2],
    )
