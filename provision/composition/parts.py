"""The documents of a build: which they are, each compiled by itself, with every part of its config told where it stands."""

import os
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from provision.composition.placing import Spot, pinned, pinned_to
from provision.contents import content_of, is_remote
from provision.diagnostics import Diagnostic, ProvisionError, Span
from provision.ignition import Config, ConfigReference
from provision.inputs import STDIN, STDIN_NAME, SUFFIXES, read_input, refusal
from provision.record import Spec, merge
from provision.schema.rules import check
from provision.templates.configs import platform_names
from provision.templates.library import SUFFIX, Template, template_file
from provision.templates.rendering import NO_VALUES, Rendered, render, unrendered
from provision.templates.values import Values, gathered
from provision.transpile.author import Author, Options
from provision.transpile.compile import Compiled, compile_document, finished
from provision.transpile.convert import raised

# Entries that stand twice in one document: after a merge nobody could tell.
REPEATED = frozenset(("PV300", "PV312", "PV313", "PV316"))


class Piece(NamedTuple):
    """One document, as it was compiled, and the template that it was rendered from."""

    compiled: Compiled
    rendered: Rendered | None = None

    @property
    def author(self) -> Author | None:
        """Its author, None where it could not be read."""
        return self.compiled.author

    def moved(self, found: Diagnostic) -> Diagnostic:
        """A diagnostic of the document at its place in the files of its author."""
        return found if self.rendered is None else self.rendered.moved(found)

    def place(self, span: Span) -> tuple[str, Span]:
        """A place of the document in the files of its author: which, and where."""
        return (self.compiled.document.file, span) if self.rendered is None else self.rendered.place(span)

    def settled(self, told: Sequence[Diagnostic]) -> list[Diagnostic]:
        """All that is wrong with the document, with what was told of it as a part of the whole."""
        before = self.rendered.diagnostics if self.rendered else []
        return [*before, *map(self.moved, retold(self.compiled, told).diagnostics)]

    @property
    def sources(self) -> dict[str, str]:
        """The text of every file that a diagnostic may name."""
        if self.rendered is None:
            return self.compiled.sources
        own = self.rendered.name
        nested = {file: text for file, text in self.compiled.sources.items() if file != own}
        return {**self.rendered.secrets.hide_all(nested), **self.rendered.sources}


class Part(NamedTuple):
    """A document of a build with all that it brings in. `config` is None where something is wrong with it."""

    file: str
    pieces: tuple[Piece, ...]
    config: Config | None
    spec: Spec = (0, 0)


# ---- which documents --------------------------------------------------------------------------------------------


def documents_of(paths: Iterable[str]) -> list[str]:
    """The files that paths stand for: a folder for those in it, by their names. Raises ProvisionError for one without any."""
    found: list[str] = []
    for path in paths:
        found.extend(documents_in(path) if path != STDIN and os.path.isdir(path) else [path])
    return found


def documents_in(folder: str) -> list[str]:
    """The documents of a folder, not of those in it, in the order of their names."""
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise refusal(folder, error) from None
    paths = [os.path.join(folder, name) for name in names if is_document(name)]
    files = [path for path in paths if not os.path.isdir(path)]
    if not files:
        known = ", ".join((*SUFFIXES[:3], SUFFIX))
        raise ProvisionError(f"{folder}: no document is in this folder; names end in {known}, …", exit_code=2)
    return files


def is_document(name: str) -> bool:
    """Whether a file of a folder counts: by its suffix; names with a dot or `_` before them are left out."""
    return name.endswith((*SUFFIXES, SUFFIX)) and not name.startswith((".", "_"))


def values_for(templates: Iterable[Template], options: Options) -> tuple[Values, Options]:
    """The values of a command line for several templates, and the options that are left for what they render.

    What one of the templates takes is no mistake for the others.
    """
    names = {name for template in templates if template.header for name in template.header.parameters}
    others = tuple(pair for pair in options.values if pair[0].split(".")[0] not in names)
    known = names | platform_names(name for name, _ in others)
    return gathered(options.values, options.value_files, os.environ, known), options._replace(values=others)


# ---- reading them -----------------------------------------------------------------------------------------------


def read_parts(paths: Sequence[str], options: Options) -> list[Part]:
    """The documents of a build, read and compiled. Raises ProvisionError for a file that can't be read."""
    templates = {path: readable_template(path) for path in paths if path.endswith(SUFFIX)}
    values, rest = values_for(templates.values(), options) if templates else (NO_VALUES, options)
    return [
        rendered_part(templates[path], values, rest) if path in templates else document_part(path, rest)
        for path in paths
    ]


def readable_template(path: str) -> Template:
    """The template of a file. Raises ProvisionError for one that can't be read."""
    read_input(path)
    return template_file(path)


def document_part(path: str, options: Options) -> Part:
    """A document as it stands in a file."""
    name = STDIN_NAME if path == STDIN else path
    return part_of(Piece(compiled(read_input(path), name, options)), options)


def rendered_part(template: Template, values: Values, options: Options) -> Part:
    """A document that a template gives."""
    rendered = render(template, values, options.files_dir)
    text = rendered.text
    if text is None:
        return Part(template.file, (Piece(unrendered(rendered)),), None)
    return part_of(Piece(compiled(text.encode("utf-8", "surrogateescape"), rendered.name, options), rendered), options)


def compiled(data: bytes, name: str, options: Options) -> Compiled:
    """A document compiled as a part: held to what holds for it by itself, the rest waits for the whole."""
    found = compile_document(data, name, options._replace(fragment=True, raw=True, target=None))
    if found.config is None or found.author is None:
        return found
    author = found.author
    again = [each for each in check(found.config, author.spec) if each.code.code in REPEATED]
    if not again:
        return found
    told = len(author.diagnostics)
    author.report(again)
    return retold(found, author.diagnostics[told:])


def retold(found: Compiled, more: Sequence[Diagnostic]) -> Compiled:
    """The compiled document with more that is wrong with it, as if all had been found at once."""
    if found.author is None:
        return found
    own = found.author.diagnostics
    alone = set(finished(found._replace(diagnostics=own)).diagnostics)
    rest = [each for each in found.diagnostics if each not in alone]
    whole = finished(found._replace(diagnostics=[*own, *more])).diagnostics
    return found._replace(diagnostics=[*rest, *whole])


def part_of(piece: Piece, options: Options) -> Part:
    """A compiled document as a part, with the configs that it brings in merged."""
    found, author = piece.compiled, piece.author
    if found.failed or found.config is None or author is None:
        return Part(found.document.file, (piece,), None)
    own = Part(found.document.file, (piece,), pinned(found.config, author), author.spec)
    return with_references(own, author, options)


# ---- configs that a document merges -----------------------------------------------------------------------------


def with_references(part: Part, author: Author, options: Options) -> Part:
    """The part with the configs that it has under `ignition.config.merge`, as a machine would merge them at boot.

    Only those that the document holds itself, and only before the first that has to be fetched: the order counts. With
    `replace` a machine takes another config altogether, and all stays as it is. Source: Ignition, `config_fetcher.go`.
    """
    config = part.config
    if config is None or config.ignition.config.replace.source:
        return part
    references = config.ignition.config.merge
    brought: list[Part] = []
    for reference in references:
        child = referenced(reference, author, options)
        if child is None:
            break
        brought.append(child)
    if not brought:
        return part
    spec = max(part.spec, *(child.spec for child in brought))
    whole = raised(without_first(config, len(brought)), part.spec, spec)
    for child in brought:
        if child.config is not None:
            whole = merge(whole, raised(child.config, child.spec, spec))
    return Part(part.file, (*part.pieces, *(piece for child in brought for piece in child.pieces)), whole, spec)


def without_first(config: Config, count: int) -> Config:
    """The config without the first references to others."""
    section = config.ignition.config
    return config.changed(ignition=config.ignition.changed(config=section.changed(merge=section.merge[count:])))


def referenced(reference: ConfigReference, author: Author, options: Options) -> Part | None:
    """The config that a reference holds, None where it has to be fetched or is none."""
    if not reference.source or is_remote(reference):
        return None
    local = reference.extra("local")
    if isinstance(local, str):
        path = author.host_path(local, reference, "local")
        found = document_part(str(path), options) if path else None
        return found if found is not None and found.config is not None else None
    try:
        data = content_of(reference)
    except ProvisionError:
        return None
    spot = next((each for each in (reference.spot("source"), reference.origin) if isinstance(each, Spot)), None)
    piece = Piece(compiled(data, author.document.file, options))
    if spot is None or piece.author is None or piece.compiled.failed or piece.compiled.config is None:
        return None
    if piece.author.release.dialect != "ignition":
        return None  # a machine takes Ignition's JSON only
    inner = with_references(
        Part(author.document.file, (), pinned(piece.compiled.config, piece.author), piece.author.spec),
        piece.author, options,
    )  # fmt: skip
    return None if inner.config is None else inner._replace(config=pinned_to(inner.config, spot), pieces=())
