"""Whether a document has the shape of its release: keys that exist, values of the right type.

jsonschema finds what does not fit; the words are ours, from the failing keyword and the row. The plain values that it
sees are resolved by the type that their row expects. `record.decode` gives the same verdict (a test holds them to it),
so this runs only for documents that it found fault with.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

from provision.diagnostics import Diagnostic, declare, nearest
from provision.document import Document
from provision.document.nodes import NodeSource, key_node
from provision.document.scalars import OLD_BOOLS, PLAIN, QUOTED, YAML_TAG, fits_tag, integer, meaning
from provision.record import BAD, Record, Row, View
from provision.schema.dialects import first_release_with, root_of, view_of
from provision.schema.neighbours import hint_for, tolerated
from provision.schema.project import project
from provision.schema.support import forbids
from provision.versions import Release

declare(
    "PV101", "warning", "unknown key",
    """A key is one that the dialect knows.

    An unknown key is dropped with all that is below it: the machine comes up without what it asked for.
    Keys that start with `x-` are free for notes and anchors. `--strict` makes this an error.

    Bad:
        storage:
          files:
            - path: /etc/motd
              contnets:
                inline: hello

    Good:
        x-greeting: &greeting hello
        storage:
          files:
            - path: /etc/motd
              contents:
                inline: *greeting
    """,
)  # fmt: skip
declare(
    "PV102", "error", "wrong type",
    """A value has the type of its key.

    Text of several lines needs a `|` after its key, an octal mode is written `0644` without quotes, and a list is a list
    even with one element.

    Bad:
        storage:
          files:
            - path: /etc/motd
              mode: "0644"

    Good:
        storage:
          files:
            - path: /etc/motd
              mode: 0644
    """, silenceable=False,
)  # fmt: skip
declare(
    "PV103", "error", "missing key",
    """A key that is required is there.

    Bad:
        storage:
          files:
            - mode: 0644

    Good:
        storage:
          files:
            - path: /etc/motd
    """, silenceable=False,
)  # fmt: skip
declare(
    "PV203", "warning", "key of a later release",
    """A key exists in the release that the document names.

    It exists in a later one; in this one it is dropped with all that is below it. Raise `version` to the release that
    the message names. `--strict` makes this an error.

    Bad:
        variant: fcos
        version: 1.3.0
        kernel_arguments:
          should_exist: [quiet]

    Good:
        variant: fcos
        version: 1.4.0
        kernel_arguments:
          should_exist: [quiet]
    """,
)  # fmt: skip

# A value that fits no row: none is a number with a fraction.
NOTHING = 0.5

# A message does not list more keys than these.
MANY_KEYS = 50

NOUNS = {"str": "a string", "int": "an integer", "bool": "true or false", "record": "a mapping", "map": "a mapping",
         "records": "a list", "strs": "a list of strings"}  # fmt: skip


@lru_cache(maxsize=64)
def validator(release: Release) -> Draft202012Validator:
    """A validator for the projected schema of a release."""
    return Draft202012Validator(project(release))


def check_structure(document: Document, source: NodeSource, release: Release) -> list[Diagnostic]:
    """All that does not fit the schema of the release, as diagnostics in no particular order."""
    view = view_of(release)
    root: Any = document.root
    source = RememberingSource(document, strict=source.strict, dashes=source.dashes)
    plain = plain_record(root, root_of(release), view, source)
    errors = validator(release).iter_errors(plain)
    # Whether a value keeps to the limits of its row (`ge`, `le`) is for a rule to say: it sees generated values, too.
    return [found for error in errors for found in describe(error, document, source, view, release)]


class RememberingSource(NodeSource):
    """Looks into each node once, however many errors lie below it."""

    def __init__(self, document: Document, *, strict: bool, dashes: bool) -> None:
        super().__init__(document, strict=strict, dashes=dashes)
        self.known: dict[tuple[int, str], Any] = {}

    def entries(self, node: Any) -> Sequence[tuple[str, Node]] | None:
        if (id(node), "entries") not in self.known:
            self.known[id(node), "entries"] = super().entries(node)
        found: Sequence[tuple[str, Node]] | None = self.known[id(node), "entries"]
        return found

    def items(self, node: Any) -> Sequence[Node] | None:
        if (id(node), "items") not in self.known:
            self.known[id(node), "items"] = super().items(node)
        found: Sequence[Node] | None = self.known[id(node), "items"]
        return found


# ---- plain values -----------------------------------------------------------------------------------------------


def plain_record(node: Any, cls: type[Record], view: View, source: NodeSource) -> Any:
    """A node as the plain value that the schema speaks of, scalars resolved by their rows."""
    entries = source.entries(node)
    if entries is None or not isinstance(node, MappingNode):
        return plain_scalar(node, "str", source) if view.shorthand(cls) else natural(node)
    rows = view[cls]
    plain: dict[str, Any] = {}
    for key, value in entries:
        row = rows.get(key)
        if row is None:
            plain[key] = None
            row = view.folded(cls, key)
        if row is not None and not (row.kind == "record" and row.nullable and source.null(value)):  # null is no section
            name, found = getattr(row, view.spelling), plain_value(value, row, view, source)
            if found is not None or name not in plain:  # null leaves what a key in other capitals has set
                plain[name] = found
    return plain


def plain_value(node: Any, row: Row, view: View, source: NodeSource) -> Any:
    """The plain value of one key."""
    if row.kind == "record":
        return plain_record(node, row.item, view, source)
    if row.kind in ("records", "strs"):
        items = source.items(node)
        if items is None:
            return plain_scalar(node, "str", source) if row.alone else natural(node)
        return [
            plain_record(i, row.item, view, source) if row.kind == "records" else plain_scalar(i, "str", source)
            for i in items
        ]
    if row.kind == "map":
        entries = source.entries(node)
        return natural(node) if entries is None else {key: plain_scalar(value, "str", source) for key, value in entries}
    return natural(node) if row.kind == "node" else plain_scalar(node, row.kind, source)


def plain_scalar(node: Any, kind: Any, source: NodeSource) -> Any:
    """The scalar as its row expects it, else as something that its row does not expect."""
    value = source.scalar(node, kind)
    return natural(node) if value is BAD else value


def natural(node: Any) -> Any:
    """A value of the node's own type, however deep it is: enough for the schema to see that it does not fit."""
    if not isinstance(node, ScalarNode):
        return {} if isinstance(node, MappingNode) else []
    if node.tag not in (PLAIN, QUOTED) or (node.tag == PLAIN and node.value in OLD_BOOLS):
        return NOTHING  # the text does not fit its tag, or is a boolean of YAML 1.1 where Kubernetes wants a string
    known = {"bool": True, "null": None, "int": integer(node.value), "float": NOTHING}
    return known.get(meaning(node.value, str(node.tag)), node.value)


# ---- words ------------------------------------------------------------------------------------------------------


def describe(
    error: ValidationError, document: Document, source: NodeSource, view: View, release: Release
) -> Iterator[Diagnostic]:
    """One of jsonschema's errors in our words, at the author's place."""
    value: Any = error.validator_value
    instance: Any = error.instance
    node, cls, row = follow(document, source, list(error.absolute_path), view, root_of(release))
    if error.validator == "additionalProperties":
        written = source.keys(node)
        for key in sorted(instance.keys() - view[cls].keys()):
            if not (view.spelling == "snake" and key.startswith("x_" if source.dashes else "x-")):
                place = written.get(key) or key_node(node, key) or node  # the second goes through merge keys
                yield unknown_key(document, place, cls, key, view, release)
    elif error.validator == "required":
        for key in value:
            if key not in instance:
                where = f"`{row.key if view.spelling == 'key' else row.snake}`" if row else "the document"
                said = f"an element of {where}" if row and row.kind == "records" else where
                yield document.diagnostic(node, "PV103", "error", f"{said} needs `{key}`: {view[cls][key].doc}")
    elif error.validator == "type" or (error.validator in ("minimum", "maximum") and not -(2**63) <= instance < 2**63):
        yield tolerated(wrong_type(document, node, row, view, value), cls, row)


def follow(
    document: Document, source: NodeSource, path: list[Any], view: View, cls: type[Record]
) -> tuple[Node, type[Record], Row | None]:
    """The node at a path of plain values, the record class that is open there, and the row that led to it."""
    node: Any = document.root
    row = None
    for step in path:
        if isinstance(step, int):
            node = (source.items(node) or ())[step]
            continue
        entries = dict(source.entries(node) or ())
        last = [key for key in entries if key == step or (view.spelling == "key" and key.lower() == step.lower())][-1]
        node = entries[last]
        if row is not None and row.kind == "map":
            continue
        row = view[cls][step]
        if row.kind in ("record", "records"):
            cls = row.item
    return node, cls, row


def unknown_key(
    document: Document, place: Node, cls: type[Record], key: str, view: View, release: Release
) -> Diagnostic:
    """A key that this release does not have: another release may, or another key is meant."""
    folded = view.folded(cls, key)
    if folded is not None:
        return document.diagnostic(
            place, "PV101", "warning", f"`{key}` is spelled `{folded.key}`; Ignition reads it all the same"
        )
    dropped = "it is dropped with everything below it"
    later = first_release_with(cls, key, release.dialect)
    refused = forbids(later, cls, view_of(later)[cls][key].name) if later else None
    if refused is not None:
        hint = refused.instead or f"{release.dialect} {refused.why}"
        return document.diagnostic(place, "PV101", "warning", f"`{key}` is no key of {release.name}; {dropped}", hint)
    if later is not None:
        hint = f"set `version: {later.version}` to use it"
        return document.diagnostic(
            place, "PV203", "warning",
            f"`{key}` exists from {later.name} on, this document is {release.name}; {dropped}", hint,
        )  # fmt: skip
    elsewhere = hint_for(release, cls, key)
    meant = None if elsewhere else nearest(key, list(view[cls]))
    few = f"known here: {', '.join(view[cls])}" if len(view[cls]) <= MANY_KEYS else None
    remedy = elsewhere or (f"did you mean `{meant}`?" if meant else few)
    return document.diagnostic(place, "PV101", "warning", f"unknown key `{key}`; {dropped}", remedy)


def wrong_type(document: Document, node: Node, row: Row | None, view: View, expected: object) -> Diagnostic:
    """A value of another type than its row's; `expected` has the types, or the limit, of the schema."""
    if row is None:
        return document.diagnostic(node, "PV102", "error", f"a config is a mapping, this is {what_is(node)}")
    name = getattr(row, view.spelling)
    wanted = {"strs": "strings", "records": "mappings", "map": "strings"}.get(row.kind)
    if wanted and isinstance(expected, str | list) and ("object" if row.kind == "map" else "array") not in expected:
        needs, hint = f"elements of `{name}` must be {wanted}", advice_for_element(node, row, view)
    else:
        needs, hint = f"`{name}` must be {NOUNS[row.kind]}", advice(node, row)
    return document.diagnostic(node, "PV102", "error", f"{needs}, not {what_is(node, row.secret)}", hint)


def what_is(node: Node, secret: bool = False) -> str:
    """A value in a few words, a secret one without what it says."""
    if isinstance(node, MappingNode):
        return "a mapping"
    if not isinstance(node, ScalarNode):
        return "a list"
    tag = str(node.tag)
    shown = "…" if secret else node.value if len(node.value) <= 30 else node.value[:29] + "…"
    if tag == YAML_TAG + "binary":
        return "something that is no valid base64"
    if tag.startswith(YAML_TAG) and not fits_tag(node.value, meaning(node.value, tag)):
        return f"`{shown}` with the tag !!{tag[len(YAML_TAG) :]}"
    what = "bool" if tag == PLAIN and node.value in OLD_BOOLS else meaning(node.value, tag)
    number = f"the number {shown}"
    nouns = {"int": number, "float": number, "bool": f"the boolean {shown}", "null": "null"}
    return nouns.get(what, f"the text {shown.splitlines()[0] if shown.strip() else shown!r}")


def advice_for_element(node: Node, row: Row, view: View) -> str | None:
    """What the author most likely has to do about an element of a list or a map that has the wrong type."""
    if row.kind == "records":
        key = next((key for key in ("name", "path", "device") if key in view[row.item]), "key")
        return f"write its keys, such as `{key}:`" if isinstance(node, ScalarNode) else None
    return "put the whole element into quotes" if isinstance(node, MappingNode) else advice(node, row)


def advice(node: Node, row: Row) -> str | None:
    """What the author most likely has to do about a wrong type."""
    if isinstance(node, ScalarNode):
        if node.tag not in (PLAIN, QUOTED):
            return "take the tag away"
        text, what = node.value, meaning(node.value, str(node.tag))
        if row.kind == "int":
            if integer(text) is not None:
                return "take the quotes off" if node.tag == QUOTED else "the number must fit into 64 bits"
            if what == "float":
                return (
                    "a number that starts with 0 is octal and takes the digits 0 to 7"
                    if text.startswith("0")
                    else "write a whole number"
                )
        if row.kind == "bool":
            return "write true or false, without quotes" if text in ("true", "false") else "write true or false"
        if row.kind in ("records", "strs"):
            return "begin each element with `- `"
        if row.kind in ("record", "map") and text.lstrip()[:1] == "{":
            return "write the object itself instead of a text that holds it"
    elif row.kind == "str":
        return "text of several lines needs a `|` after its key; other values need quotes"
    elif row.kind in ("records", "strs") and isinstance(node, MappingNode):
        return "begin each element with `- `"
    elif row.kind in ("record", "map"):
        return "take away the `-`: this is one mapping, not a list"
    return None
