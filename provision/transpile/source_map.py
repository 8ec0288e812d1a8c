"""The source map of a compiled document: see `provision.source_map`."""

from provision.record import walk
from provision.source_map import Place, SourceMap, subject_of
from provision.transpile.compile import Compiled


def places_of(compiled: Compiled) -> SourceMap:
    """The place of every file, unit, user, disk… of a compiled config, by its section and identity."""
    if compiled.config is None or compiled.author is None:
        return {}
    document = compiled.author.document
    places: SourceMap = {}
    for record in walk(compiled.config):
        subject = subject_of(record)
        if subject and record.origin is not None:
            span = document.span(record.origin)
            file, span = compiled.place(span) if compiled.place else (document.file, span)
            places.setdefault(subject, Place(file, span.line, span.column))
    return places
