"""User-data that is no plain cloud-config: archives are taken apart and merged, other forms named and refused.

`read_user_data` is asked before the dialect is told. What it reads is one document: the merged cloud-config parts, with
the scripts beside them, every problem at the line of the file where it stands. Source: cloud-init 25, `user_data.py`.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from provision.diagnostics import WHOLE_FILE, span_of
from provision.document import Document, decode_text, read
from provision.document.nodes import child, text_of
from provision.document.reading import Mark, ReadingError, unpacked
from provision.document.scalars import PLAIN
from provision.transpile.user_data import codes  # noqa: F401  # declares what the reader says
from provision.transpile.user_data.merging import DEFAULT, KEYS, Mergers, merged, mergers_in, mergers_of, replaces
from provision.transpile.user_data.mime import MAX_DEPTH, Splitter, looks_like_mime
from provision.transpile.user_data.parts import (
    CONFIG,
    REFUSED,
    SCRIPTS,
    Archive,
    Part,
    Script,
    Shift,
    move,
    text_node,
    type_by_beginning,
)

__all__ = ["Archive", "Part", "Script", "read_user_data"]

ARCHIVE = "text/cloud-config-archive"
GZIPPED = ("application/gzip", "application/x-gzip", "application/x-gunzip", "application/gzipped")
# A part of these types is what its beginning says. Source: `user_data.py`, TYPE_NEEDED.
BY_BEGINNING = ("text/plain", "text/x-not-multipart", "text/x-shellscript", *GZIPPED)
SINGLE = ("text/cloud-boothook", ARCHIVE, *REFUSED)
LAUNCH_INDEX = "launch_index"
HEAD = 4096


def read_user_data(data: bytes, file: str, values: Iterable[tuple[str, str]] = ()) -> Archive | None:
    """An archive as one document, None for anything else. `values` may name the `launch_index` to read it for."""
    try:
        data = unpacked(data)
        head = data[:HEAD].decode("utf-8", "replace")
        is_mime = looks_like_mime(head)
        kind = "multipart" if is_mime else type_by_beginning(head)
        if not is_mime and kind not in SINGLE:
            return None
        archive = Archive(file, decode_text(data))
    except ReadingError:
        return None  # reading it as a plain document will say why
    reader = Reader(archive, dict(values).get(LAUNCH_INDEX))
    if is_mime:
        reader.take_all(Splitter(archive).parts())
    else:
        reader.take(Part(kind or "", "part-001", data, WHOLE_FILE, Shift(0, 0)), 1)
    reader.finish()
    return archive


class Reader:
    """Takes part after part."""

    def __init__(self, archive: Archive, launch_index: str | None) -> None:
        self.archive = archive
        self.launch_index = launch_index
        self.pairs: dict[str, list[tuple[Any, Any]]] = {}
        self.count = 0
        self.depth = 0

    def take_all(self, parts: Iterable[Part]) -> None:
        """Take parts in their order."""
        for part in parts:
            self.count += 1
            self.take(part, self.count)

    def take(self, part: Part, number: int) -> None:
        """Take one part, by its type."""
        try:
            text = decode_text(unpacked(part.data))
        except ReadingError as error:
            self.archive.say("PV741", "error", part.place, f"part {number}: {error.message}")
            return
        kind = part.type
        if kind in BY_BEGINNING:
            kind = type_by_beginning(text) or kind
        if part.launch_index and not self.is_for_us(part.launch_index, part.place):
            return
        shift = part.shift if text.encode("utf-8", "surrogateescape") == part.data else None
        if kind in REFUSED:
            why, instead = REFUSED[kind]
            self.archive.say("PV740", "error", part.place, why, instead)
        elif kind == ARCHIVE and self.depth >= MAX_DEPTH:
            self.archive.say("PV741", "error", part.place, f"archives nest deeper than {MAX_DEPTH}")
        elif kind == ARCHIVE:
            self.depth += 1
            self.take_all(self.listed(part._replace(shift=shift), text))
            self.depth -= 1
        elif kind == CONFIG:
            self.take_config(part, text, shift, number)
        elif kind in SCRIPTS:
            self.take_script(part, kind, text, shift, number)
        else:
            known = ", ".join((CONFIG, *SCRIPTS, ARCHIVE))
            said = f"part {number} is {kind}, which cloud-init passes over"
            self.archive.say("PV742", "warning", part.place, said, f"known are {known}")

    def is_for_us(self, index: str, place: object) -> bool:
        """Whether a part for one instance of a launch is for this one."""
        if self.launch_index is None:
            said = f"this is for the instance with the launch index {index} only"
            self.archive.say(
                "PV732", "error", place, said, f"say which one this is for with --set {LAUNCH_INDEX}={index}"
            )
        return self.launch_index == index

    # ---- parts -------------------------------------------------------------------------------------------------

    def document(self, text: str, shift: Shift | None, number: int) -> Document:
        """A part as a document, its nodes in their places."""
        file = self.archive.file if shift is not None else f"{self.archive.file} (part {number})"
        document = read(text.encode("utf-8", "surrogateescape"), file)
        found = document.diagnostics
        if shift is not None:
            move(document.root, shift)
            found = tuple(one._replace(span=shift.span(one.span)) for one in found)
        else:
            self.archive.own(document)
        self.archive.diagnostics = (*self.archive.diagnostics, *found)
        return document

    def listed(self, part: Part, text: str) -> Iterator[Part]:
        """The parts of a `#cloud-config-archive`: texts, or mappings with `content` and `type`."""
        document = self.document(text, part.shift, self.count)
        if not isinstance(document.root, SequenceNode):
            if document.root is not None or not document.diagnostics:
                self.archive.say("PV741", "error", document.root or part.place, "an archive is a list of parts")
            return
        for item in document.root.value:
            content = child(item, "content") if isinstance(item, MappingNode) else item
            body = text_of(content)
            if body is None or not isinstance(content, ScalarNode):
                self.archive.say("PV741", "error", item, "a part is a text, or a mapping with `content`")
                continue
            shift = self.inside(content, body) if part.shift is not None else None
            kind = text_of(child(item, "type")) or type_by_beginning(body) or CONFIG
            name = text_of(child(item, "filename")) or f"part-{self.count + 1:03}"
            index = text_of(child(item, "launch-index")) or ""
            merge = text_of(child(item, "Merge-Type", "merge-type", "X-Merge-Type")) or ""
            yield Part(kind, name, body.encode("utf-8", "surrogateescape"), span_of(content), shift, merge, index)

    def inside(self, node: ScalarNode, text: str) -> Shift | None:
        """Where a literal block's text stands in the file; None for text that is written in another way."""
        first = next((at for at, line in enumerate(text.split("\n")) if line.strip()), None)
        if node.style != "|" or first is None:
            return None
        line = node.start_mark.line + 1
        lines = self.archive.lines
        if line + first >= len(lines):
            return None
        return Shift(line, len(lines[line + first]) - len(text.split("\n")[first]))

    def take_script(self, part: Part, kind: str, text: str, shift: Shift | None, number: int) -> None:
        """A part that is a program."""
        node = text_node(text, shift)
        if shift is None:
            self.archive.own(Document(f"{self.archive.file} (part {number})", text, node, False, ()))
        self.archive.scripts.append(Script(SCRIPTS[kind], part.name, node))

    def take_config(self, part: Part, text: str, shift: Shift | None, number: int) -> None:
        """A cloud-config part: its keys join those of earlier parts."""
        root = self.document(text, shift, number).root
        if not isinstance(root, MappingNode):
            if root is not None:
                self.archive.say("PV201", "error", root, "a cloud-config is a mapping of keys to values")
            return
        index = text_of(child(root, "launch-index"))
        if index and not part.launch_index and not self.is_for_us(index, child(root, "launch-index")):
            return
        mergers = self.mergers(part, root)
        if mergers is None:
            return
        own: dict[str, list[tuple[Any, Any]]] = {}
        for at, (key, value) in enumerate(root.value):
            name = key.value if isinstance(key, ScalarNode) and key.value != "<<" else f"\0{number}.{at}"
            own.setdefault(name, []).append((key, value))
        for name, pairs in own.items():
            before = self.pairs.get(name)
            self.pairs[name] = self.joined(name, before, pairs, mergers) if before else pairs

    def joined(
        self, name: str, before: list[tuple[Any, Any]], pairs: list[tuple[Any, Any]], mergers: Mergers
    ) -> list[tuple[Any, Any]]:
        """The pairs of a key that an earlier part has, too."""
        (old_key, old), (key, new) = before[-1], pairs[-1]
        if not replaces(mergers):
            both = MappingNode(PLAIN, [(old_key, old)], old_key.start_mark, old.end_mark)
            more = MappingNode(PLAIN, [(key, new)], key.start_mark, new.end_mark)
            value = merged(both, more, mergers)
            return list(value.value)
        if name not in KEYS:
            said = f"`{name}` replaces the whole `{name}` of an earlier part"
            hint = "to join lists, write `merge_how: list(append)+dict(recurse_list)` in this part"
            self.archive.say("PV743", "warning", key, said, hint)
        return pairs

    def mergers(self, part: Part, root: MappingNode) -> Mergers | None:
        """How a part is merged: what it says itself, else its header. None, and an error, where that can't be done."""
        node = child(root, *KEYS)
        asked = mergers_in(node) if node is not None else mergers_of(part.merge)
        if node is None and not part.merge:
            return DEFAULT
        if asked is None or asked.keys() - DEFAULT.keys():
            said = "the way of merging can't be read"
            self.archive.say("PV728", "error", node or part.place, said, "for example list(append)+dict(recurse_list)")
            return None
        if asked and "dict" not in asked:
            said = "the way of merging has no dict(…), and so cloud-init would drop the whole part"
            self.archive.say("PV728", "error", node or part.place, said, "add +dict(recurse_list)")
            return None
        return asked or DEFAULT

    def finish(self) -> None:
        """The root of all parts."""
        pairs = [pair for found in self.pairs.values() for pair in found]
        if not pairs and any(found.severity == "error" for found in self.archive.diagnostics):
            return
        if not pairs and not self.archive.scripts:
            self.archive.say("PV741", "error", None, "the archive has no part that sets anything up")
            return
        self.archive.hold(MappingNode(PLAIN, pairs, Mark(0, 0), Mark(0, 0)))
