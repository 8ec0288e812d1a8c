"""What an inventory's hosts are built from: the templates and documents that it names, found once and read once."""

import os
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from provision.composition.parts import Part, document_part, documents_in
from provision.diagnostics import Diagnostic, ProvisionError, nearest
from provision.inventory.reading import Entry, Inventory, Level
from provision.templates.library import SUFFIX, LibraryError, NotFound, Template, find, template_file
from provision.templates.rendering import check
from provision.transpile.author import Options


class Source(NamedTuple):
    """A template; a document that several hosts share, compiled already as `part`; or one of a single host, read when its turn comes.

    `sound` says whether it can be used.
    """

    name: str
    template: Template | None
    part: Part | None
    sound: bool

    @property
    def parameters(self) -> frozenset[str]:
        """The names of the values that it takes."""
        header = self.template.header if self.template else None
        return frozenset(header.parameters) if header else frozenset()


class Documents:
    """Finds what entries name. What is wrong is collected; what a document itself has wrong is told once."""

    def __init__(self, inventory: Inventory, libraries: Sequence[str], options: Options) -> None:
        self.inventory, self.libraries, self.options = inventory, libraries, options
        self.diagnostics: list[Diagnostic] = []
        self.sources: dict[str, str] = {}
        self.read: dict[str, Source] = {}
        self.found: dict[tuple[str, str], tuple[Source, ...]] = {}
        self.combined: dict[tuple[Entry, ...], tuple[Source, ...]] = {}

    def of(self, levels: Sequence[Level]) -> tuple[Source, ...]:
        """What the levels of a host, which is the last, name together, in order, each once."""
        entries = tuple(entry for level in levels[:-1] for entry in level.documents)
        known = self.combined.get(entries)
        if known is None:
            known = self.combined[entries] = once(source for entry in entries for source in self.named(entry))
        own = levels[-1].documents
        return once((*known, *(source for entry in own for source in self.own(entry)))) if own else known

    def own(self, entry: Entry) -> tuple[Source, ...]:
        """What a host names by itself. Nobody else needs it, so that it is not kept."""
        if entry.key == "templates":
            return self.named(entry)
        return self.fragments_of(entry, kept=False)

    @property
    def templates(self) -> list[Template]:
        """All templates that were found."""
        return [source.template for source in self.read.values() if source.template]

    def named(self, entry: Entry) -> tuple[Source, ...]:
        """What an entry names."""
        key = entry.key, entry.text
        if key not in self.found:
            self.found[key] = self.template_of(entry) if entry.key == "templates" else self.fragments_of(entry)
        return self.found[key]

    def complain(self, entry: Entry, message: str, hint: str | None = None) -> tuple[Source, ...]:
        """Note what is wrong with an entry; what it names can't be used."""
        self.diagnostics.append(Diagnostic("PV799", "error", message, self.inventory.file, entry.span, hint))
        return (Source(f"{entry.key} {entry.text}", None, None, False),)

    def template_of(self, entry: Entry) -> tuple[Source, ...]:
        """The template of a name or a path."""
        path = os.path.join(self.inventory.folder, entry.text)
        if os.path.isfile(path):
            if not path.endswith(SUFFIX):
                return self.complain(
                    entry,
                    f"`{entry.text}` is no template: its name does not end in {SUFFIX}",
                    "move it under `fragments`",
                )
            return (self.template(path),)
        if entry.text.endswith(SUFFIX) and os.sep in entry.text:
            return self.complain(entry, f"there is no template `{path}`", "paths are relative to the inventory")
        try:
            found = find(entry.text, self.libraries)
        except LibraryError as error:
            self.diagnostics.append(error.diagnostic)
            return (Source(entry.text, None, None, False),)
        if isinstance(found, NotFound):
            meant = nearest(entry.text, found.known)
            hint = f"did you mean `{meant}`?" if meant else "`provision template list` lists those that there are"
            return self.complain(entry, f"there is no template `{entry.text}`, nor a file {path}", hint)
        return (self.checked(found),)

    def template(self, path: str) -> Source:
        """The template of a file."""
        return self.read[path] if path in self.read else self.checked(template_file(path))

    def checked(self, template: Template) -> Source:
        """A template, with what is wrong in it told."""
        if template.file not in self.read:
            found = check(template)
            self.diagnostics += found
            self.sources[template.file] = template.text
            sound = not any(each.severity == "error" for each in found)
            self.read[template.file] = Source(template.file, template, None, sound)
        return self.read[template.file]

    def fragments_of(self, entry: Entry, *, kept: bool = True) -> tuple[Source, ...]:
        """The documents of a path, which may be a folder."""
        path = os.path.join(self.inventory.folder, entry.text)
        try:
            paths = documents_in(path) if os.path.isdir(path) else [path]
            return tuple([self.document(each, kept=kept) for each in paths])
        except ProvisionError as error:
            return self.complain(entry, str(error), "paths are relative to the inventory")

    def document(self, path: str, *, kept: bool) -> Source:
        """A document, or a template among them. Raises ProvisionError for one that can't be read."""
        if path.endswith(SUFFIX) and os.path.isfile(path):
            return self.template(path)
        if path in self.read:
            return self.read[path]
        if not kept and os.path.isfile(path):
            return Source(path, None, None, True)
        part = document_part(path, self.options)
        self.read[path] = Source(path, None, part, part.config is not None)
        if part.config is None:
            self.diagnostics += [found for piece in part.pieces for found in piece.settled(())]
        for piece in part.pieces:
            self.sources.update(piece.sources)
        return self.read[path]


def once(sources: Iterable[Source]) -> tuple[Source, ...]:
    """The sources without those that stand before already."""
    return tuple({source.name: source for source in sources}.values())
