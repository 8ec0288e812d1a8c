"""Taking a record of Ignition 2 over into one of Ignition 3, with every place, and saying what can't be taken over."""

from typing import Any

from provision.diagnostics import declare
from provision.record import R, Record
from provision.schema.rules import check
from provision.transpile.author import Author

declare(
    "PV204", "error", "source that Ignition 3 can't fetch",
    """What is fetched is fetched in a way that Ignition 3 knows, too.

    The scheme oem: meant a file of the OEM partition of Container Linux, below /usr/share/oem. Ignition 3 has no such
    scheme: put the content into the config. Source: Ignition 0.35, `config/v2_4/types/url.go`; Ignition 3.0.0,
    `storage.files[].contents.source`.

    Bad:
      {
        "ignition": {"version": "2.3.0"},
        "storage": {
          "files": [{"filesystem": "root", "path": "/etc/hosts", "mode": 420, "contents": {"source": "oem:///files/hosts"}}]
        }
      }

    Good:
      {
        "ignition": {"version": "2.3.0"},
        "storage": {
          "files": [{"filesystem": "root", "path": "/etc/hosts", "mode": 420, "contents": {"source": "data:,127.0.0.1%20here"}}]
        }
      }
    """, silenceable=False,
)  # fmt: skip


# What a record knows of where it comes from, besides its values.
MARKS = ("_origin", "_made", "_spots", "_broken")


def carried(cls: type[R], old: Record, names: str = "", origin: object = None, **made: Any) -> R:
    """A record of `cls` for `old`: fields of the same name (`names`), and made ones.

    What Ignition 2 does not tell from unset stays unset. Every field, made or not, keeps the place of the old field of
    its name, a made text those of its variables, and a problem that was told of the old record is not told again of the
    new one. `origin` is the place of a record that the author left out.
    """
    values = old.__dict__
    for name in names.split():
        value = values.get(name)  # one that is not there is unset
        if value or (value is not None and old.rows[name].nullable):
            made[name] = value
    new = cls(**made)
    # The keys of a record that was read are looked for when the place of one is asked for, which is seldom.
    for mark in MARKS:
        if mark in values:
            new.__dict__[mark] = values[mark]
    if old.origin is None:
        new = new.at(origin)
    if old.absent:
        new.__dict__["_absent"] = old.absent.intersection((*names.split(), *made))
    return new


def given(old: Record, name: str) -> Any:
    """The value of a field; None where Ignition 2 can't tell it from an unset one."""
    value = getattr(old, name)
    return value if old.rows[name].nullable or value else None


def place_of(author: Author, old: Record, name: str) -> object:
    """Where the author wrote a field: a node, or a tuple of them; None where it was not written."""
    spot = old.spot(name)
    if spot is not None:
        return spot
    place = author.place(old, name)
    return None if place is old.origin else place


def refuse(
    author: Author, code: str, record: Record, field: str | None, message: str, hint: str | None = None
) -> None:  # fmt: skip
    """Note that something can't be taken over: an error, unless the caller said to leave out what can't."""
    author.complain(code, "warning" if author.options.lossy else "error", record, field, message, hint)
    author.fate(record, field, "lost", message)


def left_out(author: Author, record: Record) -> None:
    """Check a record that does not come into the config: its faults are faults all the same."""
    author.report(check(record, author.spec))
