"""storage.directories, storage.files, storage.links. Source: Ignition, `internal/exec/stages/files` and `exec/util`."""

from collections.abc import Iterator

from provision.apply.operations import Operation
from provision.apply.operations.nodes import ChangeAttributes, MakeDirectory, MakeHardLink, MakeLink, Remove
from provision.apply.paths import WORDS, Found, check_spelling, owner_fits, shown
from provision.apply.plan.draft import NEW_DIRECTORY, NEW_FILE_MODE, Draft
from provision.contents import MAX_UNPACKED_BYTES
from provision.diagnostics import ProvisionError
from provision.ignition import Config, Directory, File, Link, Node
from provision.schema.rules.paths import cleaned


def plan_files(config: Config, draft: Draft) -> Iterator[Operation]:
    """Directories, files and symbolic links, shallower ones first; then hard links."""
    for path, node in ordered(config, draft):
        if isinstance(node, Directory):
            yield from plan_directory(path, node, draft)
        elif isinstance(node, File):
            yield from plan_file(path, node, draft)
        elif isinstance(node, Link):
            yield from (plan_hard_link if node.hard else plan_link)(path, node, draft)


def ordered(config: Config, draft: Draft) -> list[tuple[str, Node]]:
    """All nodes with their true paths, in the order in which they are made; two nodes of one path are refused."""
    storage = config.storage
    owners: dict[str, Node] = {}
    for node in (*storage.directories, *storage.files, *storage.links):
        try:
            path = draft.resolve(node.path)
        except ProvisionError as error:
            draft.refuse(str(error))
            continue
        other = owners.setdefault(path, node)
        if other is not node:
            draft.refuse(f"{shown(node.path)} and {shown(other.path)} are the same place: {shown(path)}")
    return sorted(owners.items(), key=lambda item: (isinstance(item[1], Link) and bool(item[1].hard), depth(item[0])))


def depth(path: str) -> int:
    """How many components a true path has."""
    return 0 if path == "/" else path.count("/")


def clear(path: str, found: Found, draft: Draft) -> Iterator[Operation]:
    """Remove a directory that something else replaces; any other node is replaced by the rename that makes the new."""
    if found.kind == "directory":
        yield from overwrite(path, found, draft)


def overwrite(path: str, found: Found, draft: Draft) -> Iterator[Operation]:
    """Remove what is at a path because the config says so."""
    if path == "/":
        draft.refuse("/: the root itself is never removed; take `overwrite` away")
        return
    draft.take_away(path)
    with_all = " with all that it holds" if found.kind == "directory" else ""
    yield Remove(path=path, what=f"{WORDS[found.kind]}{with_all} (overwrite)")


def conflict(path: str, found: Found, draft: Draft, difference: str = "") -> None:
    """Refuse a node whose place is taken."""
    draft.refuse(f"{shown(path)}: {WORDS[found.kind]} is there already{difference}; `overwrite: true` would replace it")


def plan_directory(path: str, directory: Directory, draft: Draft) -> Iterator[Operation]:
    """Make a directory, or give an existing one mode and owner; `overwrite` starts with an empty one."""
    found, owner = draft.look(path), draft.owner(directory)
    if found.kind == "directory" and not directory.overwrite:
        yield from change(path, directory, found, owner)
    elif found.kind != "missing" and not directory.overwrite:
        conflict(path, found, draft)
    else:
        if found.kind != "missing":
            yield from overwrite(path, found, draft)
        yield from draft.parents(path)
        draft.put(path, NEW_DIRECTORY)
        yield MakeDirectory(path=path, mode=0o755 if directory.mode is None else directory.mode, owner=owner)


def change(path: str, node: File | Directory, found: Found, owner: str) -> Iterator[Operation]:
    """Give an existing node the mode and owner that the config sets, where they differ."""
    if node.mode not in (None, found.mode) or not owner_fits(found.owner, owner):
        yield ChangeAttributes(path=path, mode=node.mode, owner=owner)


def plan_file(path: str, file: File, draft: Draft) -> Iterator[Operation]:
    """Write a file, append to one that is there, or only change its mode and owner."""
    found, owner = draft.look(path), draft.owner(file)
    content = wanted_content(path, file, draft)
    if content is None:
        return
    if found.kind == "missing" or file.overwrite:
        yield from write_file(path, file, content, owner, draft)
    elif found.kind != "file":
        conflict(path, found, draft)
    elif file.contents.source is not None:
        # What this very config wrote before is no conflict: a run that was cut off can be repeated.
        if not draft.is_as_written(path, found, content, file.mode, owner):
            conflict(path, found, draft, ", with another content, mode or owner")
    elif file.append:
        yield from append(path, file, content, owner, draft)
    else:
        yield from change(path, file, found, owner)


def wanted_content(path: str, file: File, draft: Draft) -> bytes | None:
    """The content and all that is appended to it; None where a piece of it cannot be had."""
    pieces = [draft.fetch(file.contents, f"{shown(path)}: contents")]
    pieces += [draft.fetch(piece, f"{shown(path)}: append[{i}]") for i, piece in enumerate(file.append)]
    known = [piece for piece in pieces if piece is not None]
    return b"".join(known) if len(known) == len(pieces) else None


def write_file(path: str, file: File, content: bytes, owner: str, draft: Draft) -> Iterator[Operation]:
    """Write a file that is missing, or in the place of whatever is there."""
    found = draft.look(path)
    mode = NEW_FILE_MODE if file.mode is None else file.mode
    # A file that is written anew belongs to root unless the config says otherwise.
    expected_owner = owner or ("0:0" if draft.facts.is_root else "")
    if draft.is_as_written(path, found, content, mode, expected_owner):
        return
    yield from clear(path, found, draft)
    yield from draft.parents(path)
    yield draft.write(path, content, mode, owner)


def append(path: str, file: File, content: bytes, owner: str, draft: Draft) -> Iterator[Operation]:
    """Add to the end of an existing file, which keeps mode and owner unless the config sets them.

    Nothing shows whether an earlier run of the same config appended already, so applying twice appends twice.
    """
    found = draft.look(path)
    if found.size > MAX_UNPACKED_BYTES:
        draft.refuse(f"{shown(path)}: has {found.size} bytes, too many to append to; the limit is {MAX_UNPACKED_BYTES}")
        return
    mode = file.mode if file.mode is not None else found.mode
    user, _, group = owner.partition(":")
    old_user, _, old_group = found.owner.partition(":")
    kept = f"{user or old_user}:{group or old_group}" if draft.facts.is_root else ""
    yield draft.write(path, draft.facts.contents[path] + content, NEW_FILE_MODE if mode is None else mode, kept)


def plan_link(path: str, link: Link, draft: Draft) -> Iterator[Operation]:
    """Make a symbolic link; one that leads to the same place is left alone."""
    found, owner, target = draft.look(path), draft.owner(link), link.target or ""
    if not is_target(path, target, draft):
        return
    if found.kind == "link" and cleaned(found.target) == cleaned(target) and path not in draft.planned:
        return
    if found.kind != "missing" and not link.overwrite:
        conflict(path, found, draft)
    else:
        yield from clear(path, found, draft)
        yield from draft.parents(path)
        draft.put(path, Found("link", target=target, owner=owner))
        yield MakeLink(path=path, target=target, owner=owner)


def is_target(path: str, target: str, draft: Draft) -> bool:
    """Whether a symbolic link can say this; where not, it is refused."""
    try:
        check_spelling(target)
    except ProvisionError as error:
        draft.refuse(f"{shown(path)}: target {error}")
        return False
    if not target:
        draft.refuse(f"{shown(path)}: the link has no target")
    return bool(target)


def plan_hard_link(path: str, link: Link, draft: Draft) -> Iterator[Operation]:
    """Give a node that exists by then a second name; owner and mode stay the node's own."""
    found = draft.look(path)
    try:
        existing = draft.resolve("/" + (link.target or ""))
    except ProvisionError as error:
        draft.refuse(f"{shown(path)}: {error}")
        return
    source = draft.look(existing)
    if found.identity is not None and found.identity == source.identity:
        return
    if source.kind in ("missing", "directory"):
        draft.refuse(f"{shown(path)}: its target {shown(existing)} is {WORDS[source.kind]}")
    elif found.kind != "missing" and not link.overwrite:
        conflict(path, found, draft)
    else:
        yield from clear(path, found, draft)
        yield from draft.parents(path)
        draft.put(path, source)
        yield MakeHardLink(path=path, existing=existing)
