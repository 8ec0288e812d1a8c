"""The whole way of one document: read, find the dialect, check, expand, check again, write.

All problems are collected on the way and come out in the order of the source; an output comes out only without errors.
"""

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, NamedTuple

from provision.diagnostics import Diagnostic, Span
from provision.document import Document, read, read_text
from provision.document.nodes import NodeSource
from provision.document.yaml_reader import is_object
from provision.ignition import Config
from provision.record import Problem, Record, Spec, decode, encode
from provision.schema import machine
from provision.schema.dialects import JSON_SPELLING, root_of, view_of
from provision.schema.rules import Violation, check
from provision.suppressions import suppress
from provision.transpile import objects
from provision.transpile.author import Author, Options
from provision.transpile.butane import SUGARS, openshift, support
from provision.transpile.detect import detect, text_dialect, unversioned
from provision.transpile.output import to_json, to_yaml
from provision.transpile.source_rules import check_source
from provision.versions import TEXTS, Dialect, Release

DEFAULTS = Options()
MAX_NESTED_CONFIGS = 10
# Who translates a dialect whose documents are not Ignition's records: a module and its function.
TRANSLATORS: dict[Dialect, tuple[str, str]] = {
    "ignition2": ("provision.transpile.ignition2", "translate"),
    "clc": ("provision.transpile.clc", "translate"),
    "cloud-config": ("provision.transpile.cloud_config", "translate"),
    "cloud-init": ("provision.transpile.cloud_init", "translate"),
    "machineconfig": ("provision.transpile.machineconfig", "translate"),
    "machineconfig2": ("provision.transpile.machineconfig.spec2", "translate"),
    "machineconfigpool": ("provision.transpile.machineconfig", "no_config"),
    "unit": ("provision.transpile.unit_file", "translate"),
    "script": ("provision.transpile.script", "translate"),
}
MACHINECONFIGS = frozenset(("machineconfig", "machineconfig2", "machineconfigpool"))
# How user-data begins that has a form of its own; gzip may hold such.
USER_DATA = (b"#cloud-config-", b"#cloud-boothook", b"#include", b"#part-handler", b"##", b"\x1f\x8b")
# Codes that only repeat, at the same place, what another has said already.
REPEATS = {
    "PV351": ("PV605", "PV762"),
    "PV542": ("PV703",),
    "PV690": ("PV548",),
    "PV703": ("PV526", "PV548"),
    "PV595": (
        "PV506",
        "PV507",
        "PV508",
        "PV509",
        "PV510",
        "PV553",
        "PV561",
        "PV563",
        "PV567",
        "PV568",
        "PV570",
        "PV572",
    ),
}


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
    root: Record | None = None
    """The document as its own dialect's records."""
    written: Record | None = None
    """What is written where that is not `config`: the config in an older spec."""
    place: Callable[[Span], tuple[str, Span]] | None = None
    """Where a place of the document stands in the files that it was rendered from, None where it was not."""
    hide: Callable[[str], str] | None = None
    """Takes the secrets of such a rendering out of a text that will be shown."""

    @property
    def failed(self) -> bool:
        """Whether there are errors, so that there is no output."""
        return any(diagnostic.severity == "error" for diagnostic in self.diagnostics)

    def output(self) -> bytes:
        """The config in its final form. Only for a document without errors."""
        if self.config is None or self.author is None:
            raise ValueError("a document that could not be read has no output")
        options, written = self.author.options, self.written or self.config
        if self.author.release.dialect == "openshift" and not options.raw:
            return to_yaml(openshift.machineconfig(self.config, written, self.author))
        return to_json(encode(written, self.author.spec), pretty=options.pretty)


def compile_document(data: bytes, file: str, options: Options = DEFAULTS, nested: tuple[str, ...] = ()) -> Compiled:
    """Compile a file to the one config that it stands for; `nested` names the documents that refer to it."""
    found = compile_parts(data, file, options, nested)
    for one in found:
        if one.release and one.author and one.release.dialect in MACHINECONFIGS:
            one.author.diagnostics.extend(objects.left_out(one.root, one.author))
    done = [finished(one) for one in found]
    return done[0] if len(done) == 1 and (done[0].config or done[0].failed) else joined(done)


def joined(found: list[Compiled]) -> Compiled:
    """The one config among several objects, with what was said of all of them; an error where it is not one."""
    diagnostics = [diagnostic for one in found for diagnostic in one.diagnostics]
    configs = [one for one in found if one.release and one.release.dialect in MACHINECONFIGS - {"machineconfigpool"}]
    if len(configs) != 1:
        names = [objects.name_of(one.root) for one in configs]
        diagnostics.append(objects.no_single_config(found[0].document, names))
    chosen = configs[0] if configs else found[0]
    return chosen._replace(diagnostics=sorted(diagnostics, key=Diagnostic.sort_key))


def compile_all(data: bytes, file: str, options: Options = DEFAULTS) -> list[Compiled]:
    """Compile all that a file holds: a document, or several objects of Kubernetes."""
    return [finished(one) for one in compile_parts(data, file, options, ())]


def compile_parts(data: bytes, file: str, options: Options, nested: tuple[str, ...]) -> list[Compiled]:
    """What a file holds, compiled, but with all diagnostics as they were found."""
    text = options.dialect if options.dialect in TEXTS else text_dialect(data, file)
    archive = None if text else user_data_in(data, file, options)
    if archive is not None:
        options = options._replace(dialect="cloud-init")
    document = archive or (read_text(data, file) if text else read(data, file))
    parts = [] if text else objects.objects_in(document)
    found = [compile_part(part, text, options, nested) for part in parts or [document]]
    if parts:
        objects.compare([(one.root, one.author) for one in found if one.root and one.author])
    return found


def user_data_in(data: bytes, file: str, options: Options) -> Document | None:
    """An archive of user-data, or another form of it that is no cloud-config; None for anything else."""
    head = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not head.startswith(USER_DATA) and b"mime-version:" not in head and b"content-type:" not in head:
        return None  # nearly every document
    from provision.transpile.user_data import read_user_data

    return read_user_data(data, file, options.values)


def compile_part(document: Document, text: Dialect | None, options: Options, nested: tuple[str, ...]) -> Compiled:
    """Compile one document."""
    sources = {**document.texts}
    if document.root is None and document.diagnostics:
        return Compiled(document, None, None, None, list(document.diagnostics), sources)
    release = release_of(document, text, options)
    if isinstance(release, Diagnostic):
        source = NodeSource(document)
        source.entries(document.root)
        return Compiled(document, None, None, None, [*document.diagnostics, *source.found.values(), release], sources)

    def compile_local(data: bytes, file: str) -> tuple[bytes | None, list[Diagnostic]]:
        if len(nested) >= MAX_NESTED_CONFIGS or file in nested:
            return None, [
                document.diagnostic(
                    None, "PV602", "error", f"configs refer to each other in a circle, or too deep: {file}"
                )
            ]
        alone = options._replace(raw=True, pretty=False, fragment=False)
        inner = compile_document(data, file, alone, (*nested, document.file))
        sources.update({name: text for name, text in inner.sources.items() if name != document.file})
        if inner.failed or inner.config is None:
            return None, inner.diagnostics
        verbatim = inner.release is not None and inner.release.dialect == "ignition" and inner.written is None
        return data if verbatim else inner.output(), inner.diagnostics

    author = Author(document, release, options, compile_local)
    author.diagnostics.extend(document.diagnostics)
    root = None if text else understood(document, release, author)
    config = expanded(root, author) if isinstance(root, Config) else translated(root, author)
    if options.fragment:
        return Compiled(document, release, config, author, author.diagnostics, sources, root)
    check_whole(config, author)
    written = retargeted(config, author)
    return Compiled(document, release, config, author, author.diagnostics, sources, root, written)


def check_whole(config: Config, author: Author) -> None:
    """Tell the author all that is wrong with a config that is complete."""
    author.report(checked(config, author.spec))
    if author.options.systemd_analyze:
        from provision.transpile.analyze import second_opinion

        second_opinion(config, author)


def finished(compiled: Compiled) -> Compiled:
    """The document with its diagnostics as they are shown."""
    found = compiled.diagnostics
    if compiled.author is not None:
        found = suppress(compiled.document, without_repeats(found))
    return compiled._replace(diagnostics=sorted(found, key=Diagnostic.sort_key))


def release_of(document: Document, text: Dialect | None, options: Options) -> Release | Diagnostic:
    """The release that a document is written in, or why it can't be told."""
    if text:
        return unversioned(text)
    if document.part is not None and is_object(document.root):
        return objects.release_of(document)
    return detect(document, options.dialect, options.target_os)


def translated(root: Record | None, author: Author) -> Config:
    """The config that a document of another dialect than Butane and Ignition 3 stands for; a text has no records."""
    module, name = TRANSLATORS[author.release.dialect]
    translate: Callable[[object, Author], Config] = getattr(import_module(module), name)
    if root is not None:
        author.report(check(root, view_of(author.release).at))
    config = translate(author.document.root if root is None else root, author)
    return config.changed(ignition=config.ignition.changed(version=author.target))


def checked(config: Config, spec: Spec) -> Iterator[Violation]:
    """What the rules find: Ignition's own, and those about the machine that the config makes."""
    if config.systemd.units or config.storage.files or config.passwd.users:  # others don't pay for loading them
        machine.load()
    yield from check(config, spec)
    yield from machine.check_services(config, spec)


def retargeted(config: Config, author: Author) -> Record | None:
    """The config in the version that the caller wants, None where it is written as it is."""
    if author.options.target is None or any(found.severity == "error" for found in author.diagnostics):
        return None
    from provision.transpile.convert import retarget

    written, author.spec = retarget(config, author)
    return written


def without_repeats(diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    """Each diagnostic once, and none that follows from another at its place."""
    said = {(found.code, found.file, found.span) for found in diagnostics}
    return [
        found
        for found in dict.fromkeys(diagnostics)
        if not any((other, found.file, found.span) in said for other in REPEATS.get(found.code, ()))
    ]


def understood(document: Document, release: Release, author: Author) -> Record:
    """The document as records; what does not fit its release goes to the author's diagnostics."""
    if document.root is None:  # a header, and nothing under it
        return root_of(release)()
    problems: list[Problem] = []
    view = view_of(release)
    source = NodeSource(document, strict=release.dialect in JSON_SPELLING, dashes=view.dashes)
    root: Any = document.root
    config = decode(root_of(release), root, view, source, problems)
    author.diagnostics.extend(source.found.values())
    if problems:
        from provision.schema.structural import check_structure  # a document without fault does not pay for jsonschema

        author.diagnostics.extend(check_structure(document, source, release))
        fatal = [problem for problem in problems if problem.wanted != "key"]
        if fatal and not any(found.severity == "error" or found.code == "PV102" for found in author.diagnostics):
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
