"""`inline` and `local` instead of `source`: the content stands in the document, or in a file beside it."""

from collections.abc import Callable
from typing import Any, TypeVar

from ruamel.yaml.nodes import ScalarNode

from provision.diagnostics import WHOLE_FILE, Diagnostic, Span, declare, span_of
from provision.ignition import Config, ConfigReferences, File, FileContents, Resource
from provision.record import Record, transform
from provision.schema.dialects import extend
from provision.transpile.author import Author
from provision.transpile.contents import data_url

extend(Resource, "inline", str | None, since="3.1", doc="The content itself.")
extend(Resource, "local", str | None, since="3.1", doc="A file with the content, below the files directory.")
extend(FileContents, "inline", str | None, doc="The content itself.")
extend(FileContents, "local", str | None, since="3.1", doc="A file with the content, below the files directory.")

declare(
    "PV601", "error", "one source of content",
    """Content comes from one of `inline`, `local` and `source`.

    Source: Butane, common to all variants.

    Bad:
        storage:
          files:
            - path: /etc/motd
              contents:
                inline: hello
                source: https://example.com/motd

    Good:
        storage:
          files:
            - path: /etc/motd
              contents:
                inline: hello
    """,
)  # fmt: skip
declare(
    "PV602", "error", "config to merge",
    """A config to merge or to use instead is an Ignition config that a machine can read.

    Under `inline` it is Ignition JSON; a `local` file may also hold a document that is transpiled first.

    Bad:
        ignition:
          config:
            merge:
              - inline: "just text"

    Good:
        ignition:
          config:
            merge:
              - inline: '{"ignition": {"version": "3.5.0"}}'
    """,
)  # fmt: skip
declare(
    "PV603", "warning", "config of another spec",
    """An inline config to merge is of the spec that the document is translated to.

    One of another spec is passed on as it is, and its content is not checked.

    Bad:
        ignition:
          config:
            merge:
              - inline: '{"ignition": {"version": "3.0.0"}}'

    Good:
        ignition:
          config:
            merge:
              - inline: '{"ignition": {"version": "3.5.0"}}'
    """,
)  # fmt: skip

R = TypeVar("R", bound=Resource)

# These releases have their configs applied by an operator that does not know compression.
UNCOMPRESSED = {("openshift", "4.8.0"), ("openshift", "4.9.0")}


def expand(config: Config, author: Author) -> Config:
    """Give every resource with `inline` or `local` its data URL."""

    def resource(record: Any) -> Any:
        return with_source(record, author) if record.extras else record

    def references(record: Any) -> Any:
        for reference in (*record.merge, record.replace):
            check_reference(reference, author)
        return record.changed(
            merge=tuple(with_source(item, author, embed_config) for item in record.merge),
            replace=with_source(record.replace, author, embed_config),
        )

    def file(record: File) -> File:
        return record.as_broken() if record.contents.broken else record

    below: dict[type[Record], Callable[[Any], Any]] = {Resource: resource, FileContents: resource, File: file}
    ignition = config.ignition
    return config.changed(
        ignition=ignition.changed(
            config=transform(ignition.config, {ConfigReferences: references}),
            security=transform(ignition.security, below),
        ),
        storage=transform(config.storage, below),
    )


def with_source(resource: Resource, author: Author, embed: Any = None) -> Resource:
    """The resource with `inline` or `local` turned into a data URL; as it is where neither is given."""
    inline, local = resource.extra("inline"), resource.extra("local")
    given = [
        name for name, value in (("local", local), ("inline", inline), ("source", resource.source)) if value is not None
    ]
    if len(given) > 1:
        last = given[-1] if author.release.spec > (3, 0) else "inline"
        author.complain(
            "PV601", "error", resource, last, f"{' and '.join(given)} are set; content comes from one of them"
        )
        return resource.as_broken()
    if local is not None:
        data = author.read_local(local, resource, "local")
        if data is not None and embed is not None:
            data = embed(data, local, resource, author)
        if data is None:
            return resource.as_broken()
        field = "local"
    elif inline is not None:
        data, field = inline.encode("utf-8", "surrogateescape"), "inline"
    else:
        return resource
    return from_bytes(resource, data, author).spotted(source=author.place(resource, field))


def from_bytes(resource: R, data: bytes, author: Author) -> R:
    """The resource with content of our own; a compression that the author declared means that it is compressed already."""
    oldest = author.release.spec == (3, 0)
    release = (author.release.dialect, author.release.version)
    url = data_url(data, may_compress=not resource.compression and release not in UNCOMPRESSED, may_encode=not oldest)
    if resource.compression or oldest:
        return resource.changed(source=url.source)
    return resource.changed(source=url.source, compression=url.compression)


# ---- configs to merge -------------------------------------------------------------------------------------------


def check_reference(reference: Resource, author: Author) -> None:
    """Check the Ignition config that stands inline in a reference, by the rules of its own spec."""
    text = reference.extra("inline")
    if text is None or reference.source is not None or reference.extra("local") is not None:
        return
    version = ignition_version(text)
    emitted = author.target
    if version is not None and version != emitted:
        author.complain(
            "PV603", "warning", reference, None,
            f"the inline config is of spec {version}, this document becomes {emitted}; its content is not checked",
        )  # fmt: skip
        return
    place = author.place(reference, "inline")
    if version is None and not text.lstrip().startswith("{"):
        author.complain("PV602", "error", reference, "inline", "the inline config is not Ignition JSON")
        return
    _, found = author.compile_local(text.encode("utf-8", "surrogateescape"), author.document.file)
    author.diagnostics.extend(moved(diagnostic, place) for diagnostic in found)


def ignition_version(text: str) -> str | None:
    """The `ignition.version` of a JSON text where it looks like a version; None otherwise."""
    import json
    import re

    try:
        version = json.loads(text)["ignition"]["version"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    known = isinstance(version, str) and re.fullmatch(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?", version)
    return version if known else None


def moved(found: Diagnostic, place: object) -> Diagnostic:
    """A diagnostic of an inline text at its place in the document: to the line in a `|` block, else at the whole text."""
    if not isinstance(place, ScalarNode):
        return found
    span = span_of(place)
    if place.style == "|" and found.span != WHOLE_FILE:
        line = span.line + found.span.line
        return found._replace(span=Span(line, 1, line, 2), path=None)
    return found._replace(
        span=span, message=f"in the inline config, line {found.span.line}: {found.message}", path=None
    )


def embed_config(data: bytes, local: str, reference: Resource, author: Author) -> bytes | None:
    """A local config as a machine can read it: Ignition JSON as it is, any other dialect transpiled."""
    path = author.host_path(local, reference, "local")
    if path is None:
        return None
    output, found = author.compile_local(data, str(path))
    author.diagnostics.extend(found)
    if output is None and not any(diagnostic.severity == "error" for diagnostic in found):
        author.complain("PV602", "error", reference, "local", f"`{local}` is not a config")
    return output
