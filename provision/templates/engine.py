"""Jinja as templates have it: in a sandbox, with undefined names as errors, and with output that knows its origin.

The compiler is Jinja's own; this changes what it writes for an output (`shown` takes the place of `str`), and has it count
turns of loops and calls of macros. Nothing random, nothing of the machine or its time comes into a template.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import UndefinedError
from jinja2.filters import do_indent, do_trim
from jinja2.lexer import TokenStream
from jinja2.loaders import BaseLoader
from jinja2.runtime import StrictUndefined, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from provision.templates import filters, limits
from provision.templates.faults import RenderingError
from provision.templates.positions import Piece, Run, Source, indented, joined, piece, trimmed

REMOVED_GLOBALS = ("lipsum",)
LOCAL_NAMES = ("loop", "self", "super", "caller", "varargs", "kwargs")
# How a tag begins, and the pairs of those that have an end.
ENDS = {f"end{name}": name for name in ("for", "if", "macro", "call", "filter", "set", "block", "with", "autoescape")}
Where = tuple[Source, int, int]


class Position(int):
    """The line of a token, as Jinja counts them, that also knows the token's offset in the text."""

    offset: int


class Tags(NamedTuple):
    """The tags of one file: where each begins and ends, and of those of statements the first word."""

    starts: list[int]
    ends: list[int]
    words: list[tuple[int, str, bool]]
    """Offset of the tag, its first word, and whether it has a `=`."""
    reached: list[int]
    """The offset behind the last token, for errors in what comes next."""


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


class Generator(CodeGenerator):
    """Writes the Python of a template, with the origin of all that it puts out."""

    environment: "Engine"

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.constants: list[str] = []
        self.counted: set[int] = set()
        self.open_writes: list[str | None] = []

    def constant(self, code: str) -> str:
        """The name of a constant of the module."""
        self.constants.append(code)
        return f"constant_{len(self.constants)}"

    def visit_Template(self, node: nodes.Template, frame: Frame | None = None) -> None:  # noqa: N802  # named by Jinja
        self.counted.add(id(node.body))
        self.counted.update(id(block.body) for block in node.find_all(nodes.Block))
        super().visit_Template(node, frame)
        self.writeline("from provision.templates.positions import joined, verbatim", extra=1)
        self.writeline(f"source = environment.sources[{self.name!r}]")
        self.writeline("step, shown = environment.meter.step, environment.shown")
        for number, code in enumerate(self.constants, 1):
            self.writeline(f"constant_{number} = {code}")

    def visit_For(self, node: nodes.For, frame: Frame) -> None:  # noqa: N802  # named by Jinja
        self.counted.add(id(node.body))
        super().visit_For(node, frame)

    def macro_body(self, node: Any, frame: Frame) -> Any:
        self.counted.add(id(node.body))
        return super().macro_body(node, frame)

    def blockvisit(self, nodes: Iterable[nodes.Node], frame: Frame) -> None:
        if id(nodes) in self.counted:
            self.writeline("step()")
        super().blockvisit(nodes, frame)

    # ---- output: a text of the template is a constant, an expression goes through `shown` -----------------------

    def _output_child_to_const(self, node: nodes.Expr, frame: Frame, finalize: Any) -> str:
        if not isinstance(node, nodes.TemplateData):
            raise nodes.Impossible
        return self.constant(f"verbatim(source, {offset_of(node)}, {node.data!r})")

    def _output_const_repr(self, group: Iterable[Any]) -> str:
        names = list(group)
        return str(names[0]) if len(names) == 1 else self.constant(f"joined([{', '.join(names)}])")

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        self.write("shown(")

    def _output_child_post(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        self.write(f", {self.where(node)})")

    def start_write(self, frame: Frame, node: nodes.Node | None = None) -> None:
        super().start_write(frame, node)
        made_here = isinstance(node, nodes.FilterBlock | nodes.CallBlock | nodes.For)
        self.open_writes.append(self.where(node) if made_here and node else None)
        if made_here:
            self.write("shown(")

    def end_write(self, frame: Frame) -> None:
        where = self.open_writes.pop()
        if where:
            self.write(f", {where})")
        super().end_write(frame)

    def where(self, node: nodes.Node) -> str:
        """The tag that a node stands in, as a constant."""
        start, end = self.environment.tag_at(self.name or "", offset_of(node))
        return self.constant(f"(source, {start}, {end})")


def offset_of(node: nodes.Node) -> int:
    """Where a node begins."""
    return getattr(node.lineno, "offset", 0)


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


def placed(tokens: Iterable[tuple[int, str, str]], file: Source, tags: Tags) -> Iterator[tuple[int, str, str]]:
    """Tokens with positions that know their offset; between tokens, white space may have been left out."""
    text, at, expects_word = file.text, 0, False
    for _, kind, value in tokens:
        while not text.startswith(value, at) and at < len(text):
            at += 1
        position = Position(file.line_of(at))
        position.offset = at
        if kind in ("variable_begin", "block_begin", "raw_begin"):
            tags.starts.append(at)
            expects_word = kind == "block_begin"
        elif expects_word and kind == "name":
            tags.words.append((tags.starts[-1], value, False))
            expects_word = False
        elif kind == "operator" and value == "=" and tags.words and tags.words[-1][0] == tags.starts[-1]:
            tags.words[-1] = (*tags.words[-1][:2], True)
        at += len(value)
        tags.reached[0] = at - len(value) if kind in ("comment_begin", "raw_begin") else at
        if kind in ("variable_end", "block_end", "raw_begin"):
            tags.ends.append(at - len(value) + len(value.rstrip()))
        yield position, kind, value


def unclosed(tags: Tags) -> tuple[int, str] | None:
    """The innermost tag that has no end: its offset, and its word."""
    stack: list[tuple[int, str]] = []
    for offset, word, assigns in tags.words:
        if word in ENDS:
            if stack and stack[-1][1] == ENDS[word]:
                stack.pop()
        elif word in ENDS.values() and not (word == "set" and assigns):
            stack.append((offset, word))
    return stack[-1] if stack else None


# ---- output -----------------------------------------------------------------------------------------------------


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
