"""The comment that a template begins with: what it is, and which parameters it has. Read as YAML, with the place of each."""

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

from provision.diagnostics import Diagnostic, Span, nearest, span_of
from provision.document import Document, read
from provision.document.nodes import NodeSource, child, key_node, text_of
from provision.templates.fitting import unfit, validator_class
from provision.templates.formats import FORMATS, is_regex
from provision.templates.parameters import (
    KEYWORDS,
    LISTED,
    NAMED,
    ONE,
    OWN_KEYWORDS,
    TYPES,
    Parameter,
    Schema,
    parts_of,
    plain,
)

KEYS = ("description", "family", "parameters")
OPENING = re.compile(r"\A\ufeff?\s*\{#[-+]?")
CLOSING = re.compile(r"[-+]?#\}")
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
# What Jinja's expressions take for something else, and what templates have under that name already.
RESERVED = frozenset((
    "true", "false", "none", "True", "False", "None", "not", "and", "or", "in", "is", "if", "else", "loop", "self", "super",
    "caller", "varargs", "kwargs", "range", "dict", "cycler", "joiner", "namespace", "file", "fail",
))  # fmt: skip


class Header(NamedTuple):
    """A template's description, family and parameters."""

    description: str
    family: str
    parameters: dict[str, Parameter]
    span: Span

    @property
    def secrets(self) -> list[str]:
        """The names of the parameters that are secret."""
        return [name for name, row in self.parameters.items() if row.secret]

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of a file of values."""
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {name: dict(row.schema) for name, row in self.parameters.items()},
            "required": [name for name, row in self.parameters.items() if row.required],
            "additionalProperties": False,
        }


class Reader:
    """Reads one header; what is wrong with it is collected."""

    def __init__(self, file: str, text: str) -> None:
        self.file, self.text = file, text
        self.diagnostics: list[Diagnostic] = []

    @cached_property
    def document(self) -> Document | None:
        """The YAML of the header, at its place in the file."""
        opening = OPENING.match(self.text)
        closing = CLOSING.search(self.text, opening.end()) if opening else None
        if opening is None or closing is None:
            said = "the template has no header" if opening is None else "the header's comment is not closed"
            hint = (
                "begin it with `{#`, a description and its parameters in YAML, and `#}`"
                if opening is None
                else "close it with `#}`"
            )
            self.diagnostics.append(Diagnostic("PV781", "error", said, self.file, Span(1, 1, 1, 2), hint))
            return None
        # Blanks in place of what stands before keep every place what it is.
        before = re.sub(r"[^\n]", " ", self.text[: opening.end()])
        return read((before + self.text[opening.end() : closing.start()]).encode("utf-8", "surrogateescape"), self.file)

    def complain(self, place: object, message: str, hint: str | None = None) -> None:
        """Note a mistake in the header."""
        if self.document is not None:
            self.diagnostics.append(self.document.diagnostic(place, "PV781", "error", message, hint))

    def read(self) -> Header | None:
        """The header, None where it can't be made out."""
        document = self.document
        if document is None:
            return None
        self.diagnostics.extend(document.diagnostics)
        root = document.root
        if document.diagnostics or not isinstance(root, MappingNode):
            if not document.diagnostics:
                self.complain(root, "the header is a mapping with `description` and `parameters`")
            return None
        source = NodeSource(document)
        entries = dict(source.entries(root) or ())
        self.known_keys(root, KEYS, "the header")
        for key in ("description", "family"):
            if key in entries and text_of(entries[key]) is None:
                self.complain(entries[key], f"`{key}` is a text")
        if not text_of(entries.get("description")):
            self.complain(
                key_node(root, "description") or root,
                "the template does not say what it is for",
                "write a `description` of one line",
            )
        parameters = dict(self.parameters(entries.get("parameters"), source))
        self.diagnostics.extend(source.found.values())
        description = " ".join((text_of(entries.get("description")) or "").split())
        return Header(description, text_of(entries.get("family")) or "", parameters, document.span(root))

    def known_keys(self, node: Node, known: Sequence[str], where: str) -> None:
        """Complain of keys that are not known."""
        for key, _ in node.value:
            name = str(key.value)
            if name not in known:
                meant = nearest(name, known)
                hint = f"did you mean `{meant}`?" if meant else f"known here: {', '.join(known[:10])}"
                self.complain(key, f"{where} has no key `{name}`", hint)

    def parameters(self, node: Node | None, source: NodeSource) -> Iterator[tuple[str, Parameter]]:
        """The parameters whose schemas are sound."""
        if node is None or source.null(node):
            return
        entries = source.entries(node)
        if entries is None:
            self.complain(node, "`parameters` is a mapping of names to schemas")
            return
        for name, schema in entries:
            place = key_node(node, name) or schema
            before = len(self.diagnostics)
            if not NAME.fullmatch(name) or name in RESERVED:
                why = "has a meaning of its own in templates" if name in RESERVED else "is no name of a variable"
                self.complain(place, f"`{name}` {why}", "take a name of letters, digits and `_`")
            if not isinstance(schema, MappingNode):
                self.complain(schema, f"the schema of `{name}` is a mapping", "write `{type: string, description: …}`")
                continue
            self.check_keywords(schema, name, top=True)
            if len(self.diagnostics) > before:
                continue
            found = self.parameter(name, schema, span_of(place), source)
            if found is not None:
                yield name, found

    def parameter(self, name: str, node: MappingNode, span: Span, source: NodeSource) -> Parameter | None:
        """A parameter, None where its schema is wrong."""
        schema = schema_of(node, source)
        secret = schema.pop("secret", False)
        if not isinstance(secret, bool):
            self.complain(child(node, "secret"), f"`secret` of `{name}` is true or false")
            return None
        if not self.sound_schema(schema, name, node):
            return None
        found = Parameter(name, schema, span, secret)
        if not found.description:
            self.complain(node, f"`{name}` has no description", "say what it is for in `description`")
        if not found.required:
            for each in unfit(found.default, found, validator_class()(schema)):
                place = node_at(child(node, "default"), each.path) or node
                self.complain(place, f"the default does not fit its own schema: {each.message}", each.hint)
        return found

    def sound_schema(self, schema: Schema, name: str, node: Node) -> bool:
        """Whether jsonschema takes a schema for one; complains where it does not."""
        from jsonschema import Draft202012Validator

        errors = sorted(
            Draft202012Validator(Draft202012Validator.META_SCHEMA).iter_errors(schema),
            key=lambda error: list(map(str, error.absolute_path)),
        )
        for error in errors[:1]:
            path = tuple(error.absolute_path)
            place = node_at(node, path) or node
            key = next((str(step) for step in reversed(path) if isinstance(step, str)), name)
            if key == "type":
                self.complain(place, f"`{name}` has a type that does not exist", f"types are {', '.join(TYPES)}")
            else:
                self.complain(place, f"`{key}` in the schema of `{name}` has a value that it can't have")
        return not errors

    def check_keywords(self, node: Node, name: str, *, top: bool = False) -> None:
        """Complain of keywords and formats that do not exist, in a schema and those in it."""
        if not isinstance(node, MappingNode):
            return
        known = (*KEYWORDS, *(OWN_KEYWORDS if top else ()))
        for key, _ in node.value:
            if key.value == "secret" and not top:
                self.complain(key, "`secret` is for a parameter as a whole", f"write it below `{name}`")
                return
        self.known_keys(node, known, f"the schema of `{name}`")
        format = child(node, "format")
        if isinstance(format, ScalarNode) and format.value not in FORMATS:
            meant = nearest(format.value, list(FORMATS))
            hint = f"did you mean `{meant}`?" if meant else f"formats are {', '.join(FORMATS)}"
            self.complain(format, f"there is no format `{format.value}`", hint)
        pattern = child(node, "pattern")
        named = child(node, "patternProperties")
        keys = [key for key, _ in named.value] if isinstance(named, MappingNode) else []
        for each in [pattern, *keys]:
            if isinstance(each, ScalarNode) and not is_regex(each.value):
                self.complain(each, f"`{each.value}` is no regular expression", "test it with Python's `re`")
        for key, value in node.value:
            if key.value in ONE:
                self.check_keywords(value, name)
            elif key.value in LISTED and isinstance(value.value, list) and not isinstance(value, MappingNode):
                for part in value.value:
                    self.check_keywords(part, name)
            elif key.value in NAMED and isinstance(value, MappingNode):
                for _, part in value.value:
                    self.check_keywords(part, name)


def schema_of(node: Node, source: NodeSource) -> dict[str, Any]:
    """A schema as plain values; its default, examples and allowed values as the schema itself reads them."""
    rough: dict[str, Any] = plain(node, {}, source)
    found: dict[str, Any] = refined(rough, node, source)
    return found


def refined(schema: Any, node: Node | None, source: NodeSource) -> Any:
    """The same, in the schemas that are in it, too."""
    if not isinstance(schema, dict) or not isinstance(node, MappingNode):
        return schema
    out = dict(schema)
    for path, part in parts_of(schema):
        place: Any = out
        for step in path[:-1]:
            place[step] = place[step].copy()
            place = place[step]
        place[path[-1]] = refined(part, node_at(node, path), source)
    typed = {key: value for key, value in out.items() if key not in ("default", "enum", "const", "examples")}
    if not {"type", "anyOf", "oneOf"} & typed.keys():
        return out
    for key in ("default", "const"):
        if key in out:
            out[key] = plain(child(node, key), typed, source)  # type: ignore[arg-type]  # it is there
    for key in ("enum", "examples"):
        if isinstance(out.get(key), list):
            out[key] = plain(child(node, key), {"items": typed}, source)  # type: ignore[arg-type]  # as above
    return out


def node_at(node: Node | None, path: Sequence[str | int]) -> Node | None:
    """The node at a path of keys and indices; the deepest that is there."""
    for step in path:
        if isinstance(step, int):
            items = node.value if node is not None and not isinstance(node, MappingNode | ScalarNode) else []
            below = items[step] if step < len(items) else None
        else:
            below = child(node, step)
        if below is None:
            return node
        node = below
    return node


def read_header(file: str, text: str) -> tuple[Header | None, list[Diagnostic]]:
    """The header of a template, and what is wrong with it."""
    reader = Reader(file, text)
    header = reader.read()
    return header, sorted(reader.diagnostics, key=Diagnostic.sort_key)
