"""The inventory as it is written: groups and hosts, each with variables and documents, and the place of each."""

import os
import re
from collections.abc import Iterator
from typing import NamedTuple

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from provision.diagnostics import Diagnostic, Span, nearest, span_of
from provision.document import Document, read
from provision.document.nodes import NodeSource, key_node, text_of
from provision.inputs import STDIN, STDIN_NAME, read_input
from provision.inventory import faults  # noqa: F401  # declares the codes
from provision.templates.layers import NodeLayer

LEVEL_KEYS = ("groups", "variables", "templates", "fragments")
TOP_KEYS = ("variables", "templates", "fragments", "groups", "hosts")
# What can be the name of a file everywhere, with `.ign` behind it, and beside `manifest.json`.
HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,198}[A-Za-z0-9])?")


class Entry(NamedTuple):
    """A document that is named: under `templates` or `fragments`, what stands there, and where."""

    key: str
    text: str
    span: Span


class Level(NamedTuple):
    """The inventory as a whole, a group or a host: its name, where that stands, what it includes, sets and is built from."""

    name: str
    span: Span
    groups: tuple[tuple[str, Span], ...] = ()
    variables: NodeLayer | None = None
    documents: tuple[Entry, ...] = ()


class Inventory(NamedTuple):
    """A file of hosts. With errors in `diagnostics` nothing can be built from it."""

    document: Document
    top: Level
    groups: dict[str, Level]
    hosts: dict[str, Level]
    diagnostics: list[Diagnostic]

    @property
    def file(self) -> str:
        """The file, as reports call it."""
        return self.document.file

    @property
    def folder(self) -> str:
        """The folder that paths are relative to."""
        return "" if self.file == STDIN_NAME else os.path.dirname(self.file)

    @property
    def failed(self) -> bool:
        """Whether it has errors."""
        return any(found.severity == "error" for found in self.diagnostics)

    def levels(self, host: Level) -> list[Level]:
        """What a host is made of, the weakest first: the whole, its groups after those that they include, the host itself."""
        return [self.top, *(self.groups[name] for name in self.order(host)), host]

    def order(self, level: Level) -> list[str]:
        """The groups of a level in their order, each once and after those that it includes."""
        found: dict[str, None] = {}
        path = [("", iter(level.groups))]
        while path:
            name, rest = path[-1]
            below = next(rest, None)
            if below is None:
                path.pop()
                if name:
                    found.setdefault(name)
            elif below[0] not in found:
                path.append((below[0], iter(self.groups[below[0]].groups)))
        return list(found)


def read_inventory(path: str) -> Inventory:
    """The inventory of a file; what is wrong with it is in the result. Raises ProvisionError where it can't be read."""
    name = STDIN_NAME if path == STDIN else path
    return Reader(read(read_input(path), name)).read()


class Reader:
    """Reads one inventory; what is wrong with it is collected."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.source = NodeSource(document)
        self.diagnostics: list[Diagnostic] = list(document.diagnostics)

    def complain(self, place: object, message: str, hint: str | None = None, code: str = "PV791") -> None:
        """Note what is wrong at a place."""
        self.diagnostics.append(self.document.diagnostic(place, code, "error", message, hint))

    def read(self) -> Inventory:
        """The inventory as far as it can be made out."""
        root = self.document.root
        top, groups, hosts = Level("", self.document.span(root)), {}, {}
        if not self.diagnostics or not any(found.severity == "error" for found in self.diagnostics):
            if not isinstance(root, MappingNode):
                self.complain(root, "an inventory is a mapping with `hosts`", "see docs/inventory.md")
            else:
                pairs = self.known(root, TOP_KEYS, "the inventory")
                top = self.level("", root, pairs)
                groups = dict(self.named(pairs.get("groups"), "groups"))
                hosts = dict(self.named(pairs.get("hosts"), "hosts"))
                self.check_groups(top, groups, hosts)
                self.check_hosts(root, hosts)
        found = sorted({*self.diagnostics, *self.source.found.values()}, key=Diagnostic.sort_key)
        return Inventory(self.document, top, groups, hosts, found)

    # ---- levels -------------------------------------------------------------------------------------------------

    def named(self, node: Node | None, key: str) -> Iterator[tuple[str, Level]]:
        """The groups or the hosts, by their names."""
        kind = key[:-1]
        pairs = () if node is None else self.source.entries(node)
        if pairs is None:
            self.complain(
                node, f"`{key}` is a mapping of names to {key}", f"write each {kind} as `name:`, with its keys below it"
            )
        names = self.source.keys(node) if isinstance(node, MappingNode) else {}
        for name, value in pairs or ():
            place = names.get(name) or key_node(node, name) or value
            inner = self.source.entries(value)
            if inner is None:
                self.complain(
                    value, f"a {kind} is a mapping, and may be empty", f"keys of a {kind} are {', '.join(LEVEL_KEYS)}"
                )
                continue
            yield name, self.level(name, place, self.known(value, LEVEL_KEYS, f"a {kind}"))

    def known(self, node: Node, keys: tuple[str, ...], where: str) -> dict[str, Node]:
        """The pairs of a mapping under keys that are known; complains of others."""
        pairs = dict(self.source.entries(node) or ())
        for name in pairs:
            if name not in keys:
                meant = nearest(name, keys)
                hint = f"did you mean `{meant}`?" if meant else f"keys are {', '.join(keys)}"
                self.complain(key_node(node, name) or node, f"{where} has no key `{name}`", hint)
        return pairs

    def level(self, name: str, place: Node, pairs: dict[str, Node]) -> Level:
        """A level with what its keys say."""
        listed = (
            () if not name else tuple((text, span_of(node)) for text, node in self.texts(pairs.get("groups"), "groups"))
        )
        documents = [
            Entry(key, text, span_of(node))
            for key in ("templates", "fragments")
            for text, node in self.texts(pairs.get(key), key)
        ]
        variables = pairs.get("variables")
        layer = None
        if variables is not None and not self.source.null(variables):
            if self.source.entries(variables) is None:
                self.complain(variables, "`variables` is a mapping of names to values", "write `name: value` below it")
            else:
                layer = NodeLayer(self.document, variables, severity=None)
        return Level(name, self.document.span(place), listed, layer, tuple(documents))

    def texts(self, node: Node | None, key: str) -> Iterator[tuple[str, Node]]:
        """The texts of a list, which may be a single one."""
        if node is None or self.source.null(node):
            return
        for item in node.value if isinstance(node, SequenceNode) else [node]:
            text = text_of(item) if isinstance(item, ScalarNode) else None
            if text:
                yield text, item
            else:
                self.complain(item, f"`{key}` is a list of names", "write them as [a, b]")

    # ---- what they say of each other ----------------------------------------------------------------------------

    def check_groups(self, top: Level, groups: dict[str, Level], hosts: dict[str, Level]) -> None:
        """Complain of groups that do not exist, and of those that include themselves."""
        for level in (*groups.values(), *hosts.values()):
            for name, span in level.groups:
                if name not in groups:
                    meant = nearest(name, list(groups))
                    hint = f"did you mean `{meant}`?" if meant else "add it under `groups`"
                    self.complain(span, f"there is no group `{name}`", hint, "PV793")
        settled: set[str] = set()
        for name in groups:
            self.walk(name, groups, settled)

    def walk(self, start: str, groups: dict[str, Level], settled: set[str]) -> None:
        """Complain of the circles that a group leads into. Groups may be nested deeper than Python likes its calls."""
        path: dict[str, Iterator[tuple[str, Span]]] = {}
        if start not in settled:
            path[start] = iter(groups[start].groups)
        while path:
            name = next(reversed(path))
            below = next(path[name], None)
            if below is None:
                settled.add(name)
                del path[name]
            elif below[0] in path:
                names = list(path)
                circle = " → ".join((*names[names.index(below[0]) :], below[0]))
                self.complain(
                    below[1], f"the group `{below[0]}` includes itself: {circle}", "take this one out", "PV793"
                )
            elif below[0] in groups and below[0] not in settled:
                path[below[0]] = iter(groups[below[0]].groups)

    def check_hosts(self, root: Node, hosts: dict[str, Level]) -> None:
        """Complain of an inventory without hosts, and of names that files can't have."""
        if not hosts and not any(found.severity == "error" for found in self.diagnostics):
            self.complain(key_node(root, "hosts") or root, "the inventory has no hosts", "add them under `hosts`")
        seen: dict[str, Level] = {}
        for name, host in hosts.items():
            if not HOST_NAME.fullmatch(name):
                self.complain(
                    host.span,
                    f"`{name[:60]}` is no name of a host",
                    "take letters, digits, `.`, `_` and `-`, up to 200, with a letter or digit at both ends",
                )
            other = seen.setdefault(name.lower(), host)
            if other is not host:
                self.complain(
                    host.span,
                    f"`{name}` and `{other.name}` on line {other.span.line} differ only in capitals",
                    "names of machines are the same in any",
                )
