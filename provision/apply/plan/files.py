"""storage.directories, storage.files, storage.links. Source: Ignition, `internal/exec/stages/files` and `exec/util`."""

from collections.abc import Iterator

from provision.apply.operations import Operation
from provision.apply.operations.nodes import ChangeAttributes, MakeDirectory, MakeHardLink, MakeLink, Remove
from provision.apply.operations.remote import WriteRemote
from provision.apply.paths import WORDS, Found, check_spelling, owner_fits, shown
from provision.apply.plan.draft import NEW_DIRECTORY, NEW_FILE_MODE, Draft
from provision.apply.sources import shown_url
from provision.contents import MAX_UNPACKED_BYTES, is_remote
from provision.diagnostics import ProvisionError
from provision.ignition import Config, Directory, File, Link, Node
from provision.schema.rules.paths import cleaned


def plan_files(config: Config, draft: Draft) -> Iterator[Operation]:
    """Directories, files and symbolic links, shallower ones first; then what is fetched, side by side; then hard links."""
    fetched: list[WriteRemote] = []
    nodes = ordered(config, draft)
    for path, node in nodes:
        for operation in plan_node(path, node, draft):
            if isinstance(operation, WriteRemote):
                fetched.append(operation.at(node))
            else:
                yield operation.at(node)
    yield from fetched
    for path, node in nodes:
        if isinstance(node, Link) and node.hard:
            yield from (operation.at(node) for operation in plan_hard_link(path, node, draft))


def plan_node(path: str, node: Node, draft: Draft) -> Iterator[Operation]:
    """All that is no hard link."""
    if isinstance(node, Directory):
        yield from plan_directory(path, node, draft)
    elif isinstance(node, File):
        yield from plan_file(path, node, draft)
    elif isinstance(node, Link) and not node.hard:
        yield from plan_link(path, node, draft)


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
    return sorted(owners.items(), key=lambda item: depth(item[0]))


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
    pieces = (file.contents, *file.append)
    if any(map(is_remote, pieces)):
        yield from plan_remote_file(path, file, owner, draft)
        return
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


def plan_remote_file(path: str, file: File, owner: str, draft: Draft) -> Iterator[Operation]:
    """The same for a file that has to be fetched. Only its hash can tell whether it is there already."""
    found = draft.look(path)
    if draft.is_offline:
        draft.refuse(f"{shown(path)}: its content has to be fetched ({sources(file)}), and this run is offline")
        return
    keeps = found.kind == "file" and file.contents.source is None and not file.overwrite
    mode = file.mode if file.mode is not None else found.mode if keeps else None
    if found.kind not in ("missing", "file") and not file.overwrite:
        conflict(path, found, draft)
    elif found.kind == "file" and not keeps and draft.is_as_hashed(path, found, file, owner):
        return
    elif found.kind == "file" and not keeps and not file.overwrite:
        conflict(path, found, draft, ", with another content, mode or owner, or the config has no hash to compare with")
    else:
        yield from () if keeps else clear(path, found, draft)
        yield from draft.parents(path)
        settled_mode = NEW_FILE_MODE if mode is None else mode
        settled_owner = kept_owner(found, owner, draft) if keeps else owner
        draft.planned[path] = Found("file", settled_mode, settled_owner)
        yield WriteRemote(
            path=path, pieces=(*(() if keeps else (file.contents,)), *file.append), mode=settled_mode,
            owner=settled_owner, keeps=keeps,
        )  # fmt: skip


def sources(file: File) -> str:
    """Where a file has to be fetched from, as people may know it."""
    return ", ".join(shown_url(piece.source or "") for piece in (file.contents, *file.append) if is_remote(piece))


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
    kept = kept_owner(found, owner, draft)
    yield draft.write(path, draft.content(path) + content, NEW_FILE_MODE if mode is None else mode, kept)


def kept_owner(found: Found, owner: str, draft: Draft) -> str:
    """An existing file's owner, but for what the config sets."""
    user, _, group = owner.partition(":")
    old_user, _, old_group = found.owner.partition(":")
    return f"{user or old_user}:{group or old_group}" if draft.facts.is_root else ""


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
