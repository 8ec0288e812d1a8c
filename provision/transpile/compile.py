"""The whole way of one document: read, find the dialect, check, expand, check again, write.

All problems are collected on the way and come out in the order of the source; an output comes out only without errors.
"""

from typing import Any, NamedTuple

from provision.diagnostics import Diagnostic
from provision.document import Document, read
from provision.document.nodes import NodeSource
from provision.ignition import Config
from provision.record import Problem, decode, encode
from provision.schema.dialects import view_of
from provision.schema.rules import check
from provision.suppressions import suppress
from provision.transpile.author import Author, Options
from provision.transpile.butane import SUGARS, openshift, support
from provision.transpile.detect import detect
from provision.transpile.output import to_json, to_yaml
from provision.transpile.source_rules import check_source
from provision.versions import Release

DEFAULTS = Options()
MAX_NESTED_CONFIGS = 10
# Codes that only repeat, at the same place, what another has said already.
REPEATS = {"PV351": "PV605"}


class Compiled(NamedTuple):
    """What became of one document. `config` is None where it could not be read; with errors it is what could be made out.

    `sources` has the text of every file that a diagnostic may name.
    """

    document: Document
    release: Release | None
    config: Config | None
    author: Author | None
    diagnostics: list[Diagnostic]
    sources: dict[str, str]

    @property
    def failed(self) -> bool:
        """Whether there are errors, so that there is no output."""
        return any(diagnostic.severity == "error" for diagnostic in self.diagnostics)

    def output(self) -> bytes:
        """The config in its final form. Only for a document without errors."""
        if self.config is None or self.author is None:
            raise ValueError("a document that could not be read has no output")
        options = self.author.options
        if self.author.release.dialect == "openshift" and not options.raw:
            return to_yaml(openshift.machineconfig(self.config, self.author))
        return to_json(encode(self.config, self.author.release.spec), pretty=options.pretty)


def compile_document(data: bytes, file: str, options: Options = DEFAULTS, nested: tuple[str, ...] = ()) -> Compiled:
    """Compile one document; `nested` names the documents that refer to it."""
    document = read(data, file)
    sources = {file: document.text}
    if document.root is None and document.diagnostics:
        return Compiled(document, None, None, None, list(document.diagnostics), sources)
    release = detect(document)
    if isinstance(release, Diagnostic):
        source = NodeSource(document)
        source.entries(document.root)
        found = [*document.diagnostics, *source.found.values(), release]
        return Compiled(document, None, None, None, sorted(found, key=Diagnostic.sort_key), sources)

    def compile_local(data: bytes, file: str) -> tuple[bytes | None, list[Diagnostic]]:
        if len(nested) >= MAX_NESTED_CONFIGS or file in nested:
            return None, [
                document.diagnostic(
                    None, "PV602", "error", f"configs refer to each other in a circle, or too deep: {file}"
                )
            ]
        inner = compile_document(data, file, options._replace(raw=True, pretty=False), (*nested, document.file))
        sources.update({name: text for name, text in inner.sources.items() if name != document.file})
        if inner.failed or inner.config is None:
            return None, inner.diagnostics
        verbatim = inner.release is not None and inner.release.dialect == "ignition"
        return data if verbatim else inner.output(), inner.diagnostics

    author = Author(document, release, options, compile_local)
    author.diagnostics.extend(document.diagnostics)
    config = expanded(understood(document, release, author), author)
    author.report(check(config, release.spec))
    found = suppress(document, without_repeats(author.diagnostics))
    return Compiled(document, release, config, author, sorted(found, key=Diagnostic.sort_key), sources)


def without_repeats(diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    """Each diagnostic once, and none that follows from another at its place."""
    said = {(found.code, found.file, found.span) for found in diagnostics}
    return [
        found for found in dict.fromkeys(diagnostics) if (REPEATS.get(found.code), found.file, found.span) not in said
    ]


def understood(document: Document, release: Release, author: Author) -> Config:
    """The document as records; what does not fit its release goes to the author's diagnostics."""
    problems: list[Problem] = []
    source = NodeSource(document, strict=release.dialect == "ignition")
    root: Any = document.root
    config = decode(Config, root, view_of(release), source, problems)
    author.diagnostics.extend(source.found.values())
    if problems:
        from provision.schema.structural import check_structure  # a document without fault does not pay for jsonschema

        author.diagnostics.extend(check_structure(document, source, release))
        fatal = [problem for problem in problems if problem.wanted != "key"]
        if fatal and not any(found.severity == "error" for found in author.diagnostics):
            raise AssertionError(f"decode and the schema of {release.name} disagree about {fatal[0]}")
    return config


def expanded(config: Config, author: Author) -> Config:
    """The config with all sugar expanded and what the variant forbids reported."""
    if author.release.dialect == "ignition":
        return config
    config = config.changed(ignition=config.ignition.changed(version=author.target))
    author.report(check_source(config, author.release))
    for expand in SUGARS:
        config = expand(config, author)
    support.check(config, author)
    return config
