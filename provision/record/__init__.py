"""Records: typed rows for the keys of a document, and all that follows from the rows.

A `Record` class declares its keys with `field`; `View` says which rows a release of a dialect shows; `decode` reads a
value by a view, `encode` writes the Ignition JSON, `merge` lays a child over a parent by Ignition's rules. Knows
nothing of YAML, files or the machine; needs the standard library only.
"""

from provision.record.codec import (
    BAD,
    Bad,
    JsonSource,
    Leaf,
    Problem,
    Source,
    View,
    decode,
    encode,
    source_map,
)
from provision.record.merging import merge
from provision.record.rows import (
    NEVER,
    OLDEST,
    Kind,
    R,
    Record,
    Row,
    Spec,
    Unset,
    field,
    itself,
    make_row,
    snake_case,
    spec,
    transform,
    walk,
)

__all__ = [
    "BAD", "NEVER", "OLDEST", "Bad", "JsonSource", "Kind", "Leaf", "Problem", "R", "Record", "Row", "Source", "Spec",
    "Unset", "View", "decode", "encode", "field", "itself", "make_row", "merge", "snake_case", "source_map", "spec",
    "transform", "walk",
]  # fmt: skip
