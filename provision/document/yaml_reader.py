"""Reads YAML into nodes that know their places: libyaml's parser, and words for what it refuses."""

import re
from typing import Any

from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode
from ruamel.yaml.reader import ReaderError

from provision.diagnostics import LINE_END, WHOLE_FILE, Span, span_of
from provision.document.aliases import Composer
from provision.document.reading import MAX_DEPTH, ReadingError, place_of, too_deep
from provision.document.scalars import PLAIN, QUOTED

# libyaml recurses on the C stack: a text that might nest deeper than this has its depth counted before it is composed.
SAFE_DEPTH = 1000


class KeepSpelling:
    """The part of a loader that gives tags to nodes; here it says no more than plain or quoted."""

    def resolve(self, kind: object, value: object, implicit: Any) -> str:
        return QUOTED if implicit is not True and implicit and not implicit[0] else PLAIN

    def descend_resolver(self, current: object, index: object) -> None: ...
    def ascend_resolver(self) -> None: ...


def c_parser() -> type[Any] | None:
    """libyaml's parser, or None where the C extension is missing."""
    try:
        from _ruamel_yaml import CParser
    except ImportError:
        return None

    class CLoader(KeepSpelling, CParser):  # type: ignore[misc]  # the extension has no types
        """ruamel.yaml's C parser and composer."""

    return CLoader


def loader(text: str, *, pure: bool = False) -> Any:
    """Something with `check_node` and `get_node` over the documents of a text."""
    found = None if pure else c_parser()
    if found is not None:
        return found(text)
    from ruamel.yaml import YAML
    from ruamel.yaml.resolver import VersionedResolver
    from ruamel.yaml.tag import Tag

    class Resolver(KeepSpelling, VersionedResolver):
        """The pure parser's resolver, without its regular expressions."""

        def resolve(self, kind: object, value: object, implicit: Any) -> Any:
            return Tag(suffix=super().resolve(kind, value, implicit))

    yaml = YAML(typ="safe", pure=True)
    yaml.Resolver = Resolver
    constructor, _ = yaml.get_constructor_parser(text)
    constructor.composer.warn_double_anchors = False
    return constructor.composer


# What libyaml refuses, and YAML 1.2 and go-yaml take: a colon within a plain scalar of a flow list (7.3.3), as in
# `[essiv:sha256]`, and an anchor that is set anew (3.2.2.2).
PURE_ONLY = ("found unexpected ':'", "second occurrence")
OTHER_YAML = re.compile(r"^%YAML[ \t]+(?!1\.1\b)", re.M)


def is_object(node: Node | None) -> bool:
    """Whether a document is an object of Kubernetes, of which a file may hold several."""
    keys = {key.value for key, _ in node.value if isinstance(key, ScalarNode)} if isinstance(node, MappingNode) else ()
    return "apiVersion" in keys and "kind" in keys


def compose(text: str) -> tuple[Node | None, list[Node]]:
    """The first document of a YAML text, None where it is empty, and the next that is not empty, if there is one.

    Of objects of Kubernetes there may be any number, and empty documents between them.
    """
    guard_depth(text)
    directive = OTHER_YAML.search(text)
    if directive and not text[: directive.start()].strip("\ufeff \r\n\t"):
        place = place_of(text, directive.start())
        raise ReadingError(
            "PV002", "the %YAML directive asks for a version other than 1.1", place, "remove the directive"
        )
    try:
        try:
            return documents_of(loader(text))
        except MarkedYAMLError as error:
            if not any(problem in str(error.problem) for problem in PURE_ONLY):
                raise
            return documents_of(loader(text, pure=True))
    except RecursionError:  # only the pure parser; libyaml's depth was looked at before
        raise too_deep(WHOLE_FILE) from None
    except ReaderError as error:
        raise ReadingError(
            "PV001", f"the control character U+{ord_of(error.character):04X} is not allowed in YAML",
            place_of(text, error.position), "remove it, or write it as an escape in a double-quoted string",
        ) from None  # fmt: skip
    except MarkedYAMLError as error:
        raise syntax_error(error, text) from None
    except YAMLError as error:
        raise ReadingError("PV002", f"not YAML: {str(error).splitlines()[0]}", WHOLE_FILE) from None


def documents_of(composer: Any) -> tuple[Node | None, list[Node]]:
    """The first document and those that `compose` wants behind it."""
    root: Node | None = composer.get_node() if composer.check_node() else None
    more: list[Node] = []
    while composer.check_node() and (not more or (is_object(root) and is_object(more[-1]))):
        found: Node = composer.get_node()
        if is_empty(root) and is_object(found):
            root = found
        elif not is_empty(found):
            more.append(found)
    return root, more


def is_empty(node: Node | None) -> bool:
    """Whether a document has nothing in it."""
    return isinstance(node, ScalarNode) and node.tag == PLAIN and node.value == ""


def ord_of(character: object) -> int:
    """ruamel's readers give a character or its number."""
    return ord(character) if isinstance(character, str) else int(str(character))


# What the parser says, and what it mostly means to the person who wrote the line.
ADVICE = (
    ("mapping values are not allowed", "a `:` where no key can stand", "quote the value, or check the indentation of the line above"),
    ("could not find expected ':'", "a key without its `:`", "write `key: value`, or indent the line as part of the text above"),
    ("did not find expected key", "this line does not continue the mapping that it is in", "align it with the keys above; text of several lines needs `|` after its key"),
    ("did not find expected '-' indicator", "this line does not continue the list that it is in", "align the `-` of all elements"),
    ("did not find expected ',' or ']'", "a `[` list is not closed", "close it with `]`"),
    ("did not find expected ',' or '}'", "a `{` mapping is not closed", "close it with `}`"),
    ("found unexpected end of stream", "a quoted string is not closed", "add the closing quote"),
    ("did not find expected <document start>", "text after the end of the document", "a file holds one config; move the rest to a file of its own"),
    ("found undefined alias", "an alias names an anchor that does not exist", "define it with `&name` further up"),
    ("block sequence entries are not allowed", "a `-` where no list can stand", "put the list on the lines below its key"),
    ("found unknown escape character", "an escape that double-quoted YAML does not know", "use single quotes, or double the backslash"),
    ("found incompatible YAML document", "the %YAML directive asks for a version that is not 1.1 or 1.2", "remove the directive"),
)  # fmt: skip


def syntax_error(error: MarkedYAMLError, text: str) -> ReadingError:
    """The parser's complaint, at its place and in words that help."""
    mark = error.problem_mark or error.context_mark
    problem = str(error.problem or error.context)
    line, column = (mark.line, mark.column) if mark else (0, 0)
    lines = LINE_END.split(text)
    here = lines[line] if line < len(lines) else ""
    span = Span(line + 1, column + 1, line + 1, column + 2)
    if here[column : column + 1] == "\t" or "tab character" in problem or here[:column].strip(" ") == "\t":
        return ReadingError("PV002", "a tab cannot indent YAML", span, "use spaces")
    said = next((row for row in ADVICE if row[0] in problem), None)
    if said:
        return ReadingError("PV002", f"not YAML: {said[1]}", span, said[2])
    if "cannot start any token" in problem and here[column : column + 1]:
        return ReadingError(
            "PV002", f"not YAML: `{here[column]}` cannot start a plain value", span, "put the value into quotes"
        )
    return ReadingError("PV002", f"not YAML: {problem}", span)


def guard_depth(text: str) -> None:
    """Refuse a text that nests so deep that composing it would overflow the C stack."""
    opened = text.count("[") + text.count("{")
    steps = max(map(len, re.findall(r"^[ \-?:]+", text, re.M)), default=0)
    if opened + steps <= SAFE_DEPTH:
        return
    found = c_parser()
    if found is None:
        return
    depth = 0
    events = found(text)
    try:
        while events.check_event():
            event = events.get_event()
            kind = type(event).__name__
            if kind in ("MappingStartEvent", "SequenceStartEvent"):
                depth += 1
                if depth > MAX_DEPTH:
                    raise too_deep(span_of(event))
            elif kind in ("MappingEndEvent", "SequenceEndEvent"):
                depth -= 1
    except YAMLError:
        return  # composing will say it better, and stops at the same place


def compose_aliases(text: str) -> Node | None:
    """The one document that `compose` has found in a text, with a place for every alias; others are empty."""
    found = c_parser()
    if found is None:
        return compose(text)[0]  # the pure parser has the places of anchors only
    try:
        roots = list(Composer(found(text)).documents())
    except MarkedYAMLError:  # what only the pure parser reads
        return compose(text)[0]
    return next((root for root in roots if not is_empty(root)), roots[0])
