"""What two documents of a build set to different values, where nobody said which is meant.

Lists that are merged by the names of their entries, and texts that are put together, are no conflict; two values for one field
of one entry are. Ignition would take the later one without a word.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from provision.composition.placing import Spot, spot_of
from provision.contents import content_of, is_remote_source
from provision.diagnostics import ProvisionError, declare
from provision.ignition import Config, Ignition, Resource
from provision.record import Record, Row

declare(
    "PV790", "error", "conflict between documents",
    """Documents that are built into one config do not set one field of one entry to different values.

    The later one would win without a word. `--override` says that it shall, for the whole build; a comment
    `# provision: ignore[PV790] reason` at the later value says it for that one.

    Bad, in `a.bu` and `b.bu` of one build: `mode: 0644` and `mode: 0600` for the same path.
    Good: the mode in one of them; both may set the same.
    """,
)  # fmt: skip
declare(
    "PV792", "warning", "content with another's hash",
    """Content, and the hash or compression that it is read by, come from one document.

    A merge takes each field by itself: content of a later document is checked by the hash of an earlier one, and unpacked as
    that one says, where the later one says nothing. Give the hash and the `compression` (empty for none) beside the content.
    Source: Ignition, `config/merge`.

    Bad, in two documents: `contents` with `source` and `verification` in `a.bu`, another `source` alone in `b.bu`.
    Good: `verification` with the new hash in `b.bu`, too.
    """,
)  # fmt: skip

OCTAL = frozenset(("mode",))
LONGEST_SHOWN = 40


class Conflict(NamedTuple):
    """One field with two values: what it is called, where the earlier and the later value stand, and what they are."""

    subject: str
    field: str
    earlier: Spot | None
    later: Spot | None
    values: tuple[str, str] | None = None
    code: str = "PV790"

    @property
    def name(self) -> str:
        """The field as messages call it."""
        return f"`{self.field}` of {self.subject}" if self.subject else f"`{self.field}`"


def conflicts(parent: Record, child: Record, subject: str = "") -> Iterator[Conflict]:
    """Where `child`, merged over `parent`, replaces a value by another; in the order of the rows."""
    if parent.empty() or child.empty():
        return
    for name, row in child.rows.items():
        ours, theirs = child.__dict__.get(name), parent.__dict__.get(name)
        if ours is None or theirs is None:
            continue
        if row.kind == "record":
            yield from below(row, theirs, ours, inner(subject, row, child))
        elif row.kind == "records":
            yield from entries(row, theirs, ours, inner(subject, row, child))
        elif row.kind != "strs" and theirs != ours and not is_version(child, row):
            spots = spot_of(parent, name), spot_of(child, name)
            yield Conflict(subject, row.snake, *spots, shown_pair(row, theirs, ours))
    yield from shared(parent, child, subject)


def is_version(record: Record, row: Row) -> bool:
    """Whether a field is the config's version: the newest of all counts, and that is no conflict."""
    return isinstance(record, Ignition) and row.name == "version"


def inner(subject: str, row: Row, record: Record) -> str:
    """What a section, or a list of entries, is called in messages."""
    if isinstance(record, Config) and row.kind == "record":
        return row.snake
    return f"{subject}.{row.snake}" if subject and " " not in subject else f"{subject} {row.snake}".strip()


def below(row: Row, parent: Record, child: Record, subject: str) -> Iterator[Conflict]:
    """The conflicts inside a section; content is one thing, whatever its fields."""
    if isinstance(child, Resource) and isinstance(parent, Resource):
        yield from of_resource(parent, child, subject)
    else:
        yield from conflicts(parent, child, subject)


def entries(row: Row, parents: tuple[Any, ...], children: tuple[Any, ...], subject: str) -> Iterator[Conflict]:
    """The conflicts between entries of one name. Lists without names are put together."""
    if row.item_key is None:
        return
    by_key = {row.item_key(item): item for item in parents}
    for item in children:
        key = row.item_key(item)
        other = by_key.get(key)
        if other is None or (row.removed_by and row.removed_by(item)):
            continue
        # A resource is named by its source, which may be a secret.
        yield from conflicts(other, item, subject if isinstance(item, Resource) else f"{subject} {key}")


def of_resource(parent: Resource, child: Resource, subject: str) -> Iterator[Conflict]:
    """The conflicts between two contents: other bytes, or other settings for the same remote bytes."""
    if parent.empty() or child.empty():
        return
    owner, _, field = subject.rpartition(" ")
    if not owner:
        owner, _, field = subject.rpartition(".")
    if parent.source is None or child.source is None:
        yield from conflicts(parent, child, subject)
        return
    if parent.source == child.source and is_remote_source(child.source):
        yield from conflicts(parent, child, subject)
        return
    if is_same(parent, child):
        return
    spots = spot_of(parent, "source"), spot_of(child, "source")
    yield Conflict(owner, field, *spots)
    for name, value in (("compression", child.compression), ("verification", child.verification.hash)):
        before = parent.compression if name == "compression" else parent.verification.hash
        if value is None and before:
            yield Conflict(owner, name, spot_of(parent, name), spots[1], code="PV792")


def is_same(parent: Resource, child: Resource) -> bool:
    """Whether two contents are certainly the same bytes, however they are packed."""
    if is_remote_source(parent.source or "") or is_remote_source(child.source or ""):
        return False
    try:
        return content_of(parent) == content_of(child)
    except ProvisionError:
        return parent == child


def shared(parent: Record, child: Record, subject: str) -> Iterator[Conflict]:
    """Entries that one document has in one list and the other in its sibling: a file here, a link there."""
    for row in child.rows.values():
        ours = child.__dict__.get(row.name)
        if not ours or not row.shares or row.item_key is None:
            continue
        for other in parent.rows.values():
            theirs = parent.__dict__.get(other.name)
            if other is row or other.shares != row.shares or not theirs or other.item_key is None:
                continue
            named = {other.item_key(item): at for at, item in enumerate(theirs)}
            for at, item in enumerate(ours):
                key = row.item_key(item)
                if key in named:
                    yield kind_conflict(key, (parent, other, named[key]), (child, row, at))


Entry = tuple[Record, Row, int]


def kind_conflict(key: str, earlier: Entry, later: Entry) -> Conflict:
    """An entry that is of one kind in one document and of another in the other."""
    values = plain_name(earlier[1]), plain_name(later[1])
    return Conflict("", key, entry_spot(*earlier), entry_spot(*later), values)


def entry_spot(record: Record, row: Row, at: int) -> Spot | None:
    """Where an entry of a list stands."""
    item = record.__dict__[row.name][at]
    return spot_of(item, None) if isinstance(item, Record) else spot_of(record, row.name, at)


def plain_name(row: Row) -> str:
    """A list as messages call what is in it."""
    return f"in `{row.snake}`"


def shown_pair(row: Row, earlier: object, later: object) -> tuple[str, str] | None:
    """Both values for a message; none of secrets, and of texts that are too long for one."""
    if row.secret:
        return None
    both = shown(row, earlier), shown(row, later)
    return None if any(len(each) > LONGEST_SHOWN or "\n" in each for each in both) else both


def shown(row: Row, value: object) -> str:
    """A value as its author may have written it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:04o}" if row.name in OCTAL and isinstance(value, int) else str(value)
