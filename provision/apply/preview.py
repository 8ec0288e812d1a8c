"""What a dry run shows. Looks through a `Reader`, which cannot write; never shows what only few may read."""

import re
from collections.abc import Iterator, Mapping, Sequence

from provision.apply.operations import Operation, Reader
from provision.apply.operations.nodes import OTHERS_READ, WriteFile
from provision.apply.paths import Found, shown
from provision.apply.runner import IS_SO

# Text beyond this is compared by eye no more, and a diff of it takes minutes.
MAX_DIFF_BYTES = 1 << 20

LINE = re.compile(r"[^\n]*\n|[^\n]+")
PRIVATE_KEY = b"PRIVATE KEY-----"


def preview(operations: Sequence[Operation], reader: Reader, blobs: Mapping[str, bytes]) -> Iterator[str]:
    """One line for each operation, then the changes to its file."""
    for operation in operations:
        if operation.done(reader):
            yield f"{operation.describe()}{IS_SO}"
            continue
        yield operation.describe()
        if operation.rewrites():
            yield from changes(operation, reader, blobs)


def changes(operation: Operation, reader: Reader, blobs: Mapping[str, bytes]) -> Iterator[str]:
    """A unified diff, or why there is none; nothing where there is no file to compare with."""
    path = operation.rewrites()
    found = reader.look(path)
    if found.kind != "file":
        return
    if found.size > MAX_DIFF_BYTES:
        yield f"  (no diff: {found.size} bytes)"
        return
    old = reader.read(path)
    new = operation.content(old, blobs)
    if is_secret(operation, found, old, new):
        yield f"  (content not shown: {found.size} bytes become {len(new)})"
        return
    yield from diff(path, old, new)


def is_secret(operation: Operation, found: Found, old: bytes, new: bytes) -> bool:
    """Whether not everybody may read the file, before or after, or it holds a private key."""
    modes = [found.mode or 0, *([operation.mode] if isinstance(operation, WriteFile) else [])]
    return not all(mode & OTHERS_READ for mode in modes) or PRIVATE_KEY in old or PRIVATE_KEY in new


def diff(path: str, old: bytes, new: bytes) -> Iterator[str]:
    """The lines of a unified diff; for what is no text a remark."""
    from difflib import unified_diff

    if old == new:
        return
    try:
        texts = [LINE.findall(content.decode()) for content in (old, new)]
    except UnicodeDecodeError:
        texts = [["\0"]]
    if len(new) > MAX_DIFF_BYTES or any("\0" in line for text in texts for line in text):
        yield f"  (no diff: {len(old)} bytes become {len(new)})"
        return
    for line in unified_diff(texts[0], texts[-1], f"a{path}", f"b{path}"):
        text = line.rstrip("\n")
        yield "  " + text[:1] + "\t".join(map(shown, text[1:].split("\t")))
        if not line.endswith("\n"):
            yield "  \\ No newline at end of file"
