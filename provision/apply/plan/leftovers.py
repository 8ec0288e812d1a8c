"""What the stages before left for the root: volumes' keys and their crypttab, files of the provider, mount points.

Source: Ignition, `internal/exec/stages/files/filesystemEntries.go`.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from provision.apply.operations import Operation
from provision.apply.operations.remote import WriteRemote
from provision.apply.paths import shown
from provision.apply.plan.clevis import is_bound, needs_network
from provision.apply.plan.draft import Draft
from provision.apply.plan.files import plan_directory, plan_file
from provision.apply.programs import ZKEY_REPOSITORY
from provision.contents import data_url
from provision.ignition import Config, Directory, File, FileContents, Luks
from provision.typed import NamedTuple

CRYPTTAB = "/etc/crypttab"
PRIVATE_FILE, PRIVATE_DIRECTORY = 0o600, 0o700


class Leftovers(NamedTuple):
    """`key_files` and `secure_key_files`: data URLs by name. `uuids`: of LUKS headers, by the volume's name. `files`:
    of the provider. `directories`: mount points that were made for file systems. `key_folder`: where keys go.
    """

    key_files: Mapping[str, str] = MappingProxyType({})
    secure_key_files: Mapping[str, str] = MappingProxyType({})
    uuids: Mapping[str, str] = MappingProxyType({})
    files: tuple[File, ...] = ()
    directories: tuple[str, ...] = ()
    key_folder: str = "/etc/luks"


NOTHING_LEFT = Leftovers()


def plan_leftovers(config: Config, draft: Draft, left: Leftovers) -> Iterator[Operation]:
    """Keys first, then the table that names them, then the rest."""
    for luks in config.storage.luks:
        if not is_bound(luks.clevis):
            yield from plan_key(luks, draft, left)
    if config.storage.luks:
        yield from plan_crypttab(config.storage.luks, draft, left)
    for name, source in left.secure_key_files.items():
        yield from plan_private(f"{ZKEY_REPOSITORY}/{name}", source, draft)
    for file in left.files:
        yield from plan_file(draft.resolve(file.path), file, draft)


def plan_key(luks: Luks, draft: Draft, left: Leftovers) -> Iterator[Operation]:
    """A volume's key, in a directory that only root enters. An existing file with another key is refused."""
    source = left.key_files.get(luks.name)
    if source is None:
        draft.refuse(f"storage.luks {shown(luks.name)}: the stage `disks` left no key for it; run that stage first")
        return
    folder = draft.resolve(left.key_folder, follow=True)
    if draft.look(folder).kind == "missing":
        yield from plan_directory(folder, Directory(path=folder, mode=PRIVATE_DIRECTORY), draft)
    yield from plan_private(f"{left.key_folder}/{luks.name}", source, draft)


def plan_private(place: str, source: str, draft: Draft) -> Iterator[Operation]:
    """A file that only root reads."""
    path = draft.resolve(place)
    contents = FileContents(source=source)
    yield from plan_file(path, File(path=place, mode=PRIVATE_FILE, contents=contents), draft)


def plan_crypttab(volumes: tuple[Luks, ...], draft: Draft, left: Leftovers) -> Iterator[Operation]:
    """The volumes' lines, behind those that are there; a line that is there already is not added."""
    path = draft.resolve(CRYPTTAB, follow=True)
    found = draft.look(path)
    if found.kind not in ("missing", "file"):
        draft.refuse(f"{shown(path)} is no file; the volumes' lines go there")
        return
    lines = [crypttab_line(luks, draft, left) for luks in volumes]
    is_fetched = path in draft.planned and path not in draft.written and found.kind == "file"
    present = draft.content(path) if found.kind == "file" and not is_fetched else b""
    missing = [line for line in lines if line.encode() not in present.splitlines()]
    text = "".join(f"{line}\n" for line in missing).encode()
    if is_fetched:
        source = FileContents(source=data_url(text))
        yield WriteRemote(path=path, pieces=(source,), mode=PRIVATE_FILE, owner=found.owner, keeps=True)
    elif missing:
        yield from draft.parents(path)
        gap = b"\n" if present and not present.endswith(b"\n") else b""
        owner = found.owner if draft.facts.is_root else ""
        yield draft.write(path, present + gap + text, PRIVATE_FILE, owner)


def crypttab_line(luks: Luks, draft: Draft, left: Leftovers) -> str:
    """One line of crypttab(5)."""
    uuid = left.uuids.get(luks.name)
    if uuid is None:
        draft.refuse(
            f"storage.luks {shown(luks.name)}: {shown(luks.device or '')} holds no volume; run the stage `disks` first"
        )
    key = "none" if is_bound(luks.clevis) else f"{left.key_folder}/{luks.name}"
    options = ["luks", *["_netdev"] * needs_network(luks.clevis), "x-initrd.attach"]
    return f"{luks.name} UUID={uuid} {key} {','.join(options)}"


def file_of(entry: dict[str, object]) -> File:
    """A provider's file, as the state file has it."""
    contents = entry.get("contents")
    source = contents.get("source") if isinstance(contents, dict) else None
    mode = entry.get("mode")
    return File(
        path=str(entry.get("path", "")), overwrite=True, mode=mode if isinstance(mode, int) else PRIVATE_FILE,
        contents=FileContents(source=source),
    )  # fmt: skip
