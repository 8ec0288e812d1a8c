"""Jinja as templates have it: in a sandbox, with undefined names as errors, and with output that knows its origin.

The compiler is Jinja's own; this changes what it writes for an output (`shown` takes the place of `str`), and has it count
turns of loops and calls of macros. Nothing random, nothing of the machine or its time comes into a template.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from jinja2 import nodes
from jinja2.exceptions import UndefinedError
from jinja2.lexer import TokenStream
from jinja2.loaders import BaseLoader
from jinja2.runtime import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from provision.templates import filters, limits
from provision.templates.generator import Generator
from provision.templates.output import indent, shower, trim
from provision.templates.positions import Source, joined
from provision.templates.tags import Tags, offset_of, placed

REMOVED_GLOBALS = ("lipsum",)
LOCAL_NAMES = ("loop", "self", "super", "caller", "varargs", "kwargs")


class UnknownNameError(UndefinedError):
    """A name that is not there was used."""

    def __init__(self, name: object, owner: object, hint: str | None) -> None:
        super().__init__(str(name))
        self.name, self.owner, self.hint = name, owner, hint


class Missing(StrictUndefined):
    """What a name that is not there stands for, until it is used."""

    __slots__ = ()

    def __init__(self, hint: str | None = None, obj: Any = None, name: Any = None, exc: Any = UndefinedError) -> None:
        given = {} if obj is None else {"obj": obj}
        if exc is UndefinedError:
            exc = lambda message: UnknownNameError(name, obj, hint)  # noqa: E731  # Jinja raises what this gives
        super().__init__(hint, name=name, exc=exc, **given)


class Mistake(NamedTuple):
    """Something wrong in the text of a template, by its offset."""

    name: str
    start: int
    end: int
    code: str
    message: str
    hint: str | None


class MistakesError(Exception):
    """Raised with all that is wrong in a template before it is rendered."""

    def __init__(self, found: list[Mistake]) -> None:
        super().__init__(f"{len(found)} mistakes")
        self.found = found


class Engine(ImmutableSandboxedEnvironment):
    """The Jinja of one library. Renders one template at a time."""

    code_generator_class = Generator
    intercepted_binops = frozenset(("**", "*", "%"))

    def __init__(self, loader: BaseLoader, functions: Mapping[str, Callable[..., object]]) -> None:
        super().__init__(
            loader=loader, undefined=Missing, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
            optimized=False, autoescape=False, auto_reload=False, cache_size=-1,
        )  # fmt: skip
        self.sources: dict[str, Source] = {}
        self.tags: dict[str, Tags] = {}
        self.programs: dict[str, Any] = {}
        self.declared: frozenset[str] | None = None
        self.meter = limits.Meter()
        self.shown = shower(self.meter)
        self.concat = self.put_together  # type: ignore[method-assign]  # Jinja means it to be set
        self.binop_table.update({"**": limits.power, "*": limits.product, "%": limits.remainder})
        for name in filters.REMOVED:
            del self.filters[name]
        for name in REMOVED_GLOBALS:
            del self.globals[name]
        self.filters.update(filters.FILTERS, indent=indent, trim=trim)
        self.tests.update(filters.TESTS)
        self.globals.update(functions)

    def put_together(self, texts: Iterable[str]) -> str:
        """What a buffer holds as one text."""
        made = joined(list(texts))
        self.meter.count(len(made))
        return made

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`a.b`: of a mapping its key before its methods, so that a key may be called `items` or `values`."""
        if isinstance(obj, dict):
            try:
                return obj[attribute]
            except KeyError:
                pass
        return super().getattr(obj, attribute)

    # ---- reading ------------------------------------------------------------------------------------------------

    def _tokenize(
        self, source: str, name: str | None, filename: str | None = None, state: str | None = None
    ) -> TokenStream:
        file = self.sources[name or ""]
        tags = self.tags[name or ""] = Tags([], [], [], [0])
        tokens = placed(self.lexer.tokeniter(source, name, filename, state), file, tags)
        return TokenStream(self.lexer.wrap(tokens, name, filename), name, filename)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        self.sources[name or ""] = Source(filename or "", source)
        return super()._parse(source, name, filename)

    def _generate(self, source: nodes.Template, name: Any, filename: Any, defer_init: bool = False) -> str:
        found = list(self.misspelt(source, name or ""))
        if found:
            raise MistakesError(found)
        return super()._generate(source, name, filename, defer_init)

    def handle_exception(self, source: str | None = None) -> Any:
        """Leave an exception as it is: its place is found by `rendering`."""
        raise  # Jinja calls this where one is handled

    def misspelt(self, tree: nodes.Template, name: str) -> Iterator[Mistake]:
        """Filters, tests and, in a template with a header, variables that do not exist."""
        from provision.diagnostics import nearest

        for node in tree.find_all((nodes.Filter, nodes.Test)):
            kind, known = ("filter", self.filters) if isinstance(node, nodes.Filter) else ("test", self.tests)
            if node.name is not None and node.name not in known:
                meant = nearest(node.name, list(known))
                start = self.find(name, offset_of(node), node.name)
                hint = f"did you mean `{meant}`?" if meant else None
                yield Mistake(name, start, start + len(node.name), "PV780", f"there is no {kind} `{node.name}`", hint)
        if self.declared is not None:
            yield from self.undeclared(tree, name, self.declared)

    def undeclared(self, tree: nodes.Template, name: str, declared: frozenset[str]) -> Iterator[Mistake]:
        """Variables that are neither parameters nor set anywhere in the template."""
        stored = {node.name for node in tree.find_all(nodes.Name) if node.ctx != "load"}
        stored |= {node.name for node in tree.find_all(nodes.Macro)}
        stored |= {node.target for node in tree.find_all(nodes.Import)}
        for imported in tree.find_all(nodes.FromImport):
            stored |= {each if isinstance(each, str) else each[1] for each in imported.names}
        known = declared | stored | self.globals.keys() | set(LOCAL_NAMES)
        for node in tree.find_all(nodes.Name):
            if node.name not in known:
                start = offset_of(node)
                said, hint = unknown_name(node.name, declared | stored)
                yield Mistake(name, start, start + len(node.name), "PV782", said, hint)

    # ---- places -------------------------------------------------------------------------------------------------

    def tag_at(self, name: str, offset: int) -> tuple[int, int]:
        """Start and end of the tag that an offset lies in, or begins."""
        tags = self.tags[name]
        index = bisect_right(tags.starts, offset) - 1
        if index < 0:
            return offset, offset + 1
        return tags.starts[index], max(tags.ends[index], tags.starts[index] + 1)

    def find(self, name: str, offset: int, word: str) -> int:
        """Where a word stands from an offset on; the offset itself where it does not."""
        found = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)").search(self.sources[name].text, offset)
        return found.start() if found else offset

    def locate(self, name: str, line: int, word: str | None) -> tuple[int, int]:
        """The stretch of a file that an error of a line is about: a word in one of its tags, or the tag."""
        source, tags = self.sources[name], self.tags[name]
        begin = source.starts[min(line, len(source.starts)) - 1]
        end = source.starts[line] if line < len(source.starts) else len(source.text)
        here = [
            (start, stop)
            for start, stop in zip(tags.starts, tags.ends, strict=False)
            if start < end and stop > begin
        ]  # fmt: skip
        if word:
            for start, stop in here:
                found = self.find(name, max(start, begin), word)
                if begin <= found < stop and source.text.startswith(word, found):
                    return found, found + len(word)
        if here:
            return here[0]
        text = source.text[begin:end]
        first = begin + len(text) - len(text.lstrip())
        return first, max(first + 1, begin + len(text.rstrip()))


def unknown_name(name: str, known: Iterable[str]) -> tuple[str, str | None]:
    """The words for a variable that is not there."""
    from provision.diagnostics import nearest

    names = sorted(known)
    meant = nearest(name, names)
    hint = f"did you mean `{meant}`?" if meant else f"known here: {', '.join(names)}" if names else None
    return f"`{name}` is not defined", hint
