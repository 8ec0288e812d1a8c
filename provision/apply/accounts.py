"""Users and groups as the files under /etc list them. Pure: texts in, records out.

The files are read instead of asking NSS: the root belongs to another system, whose libraries are not to be loaded here.
"""

from collections.abc import Iterator

from provision.apply.paths import shown
from provision.diagnostics import ProvisionError
from provision.record import Record, field
from provision.typed import NamedTuple

MAX_ID = 2**32 - 2


class Account(Record):
    """A line of passwd(5), with the password of shadow(5) where that could be read."""

    name: str = field(doc="Login name.")
    uid: int = field(doc="Numeric id.")
    gid: int = field(doc="Id of the primary group.")
    gecos: str = field(doc="Comment.")
    home: str = field(doc="Home directory.")
    shell: str = field(doc="Login shell.")
    password: str = field(default="", secret=True, doc="Hash, `*` or `!`; empty where unknown.")


class Team(Record):
    """A line of group(5), with the password of gshadow(5) where that could be read."""

    name: str = field(doc="Name of the group.")
    gid: int = field(doc="Numeric id.")
    members: tuple[str, ...] = field(default=(), doc="Those who have it as a supplementary group.")
    password: str = field(default="", secret=True, doc="Hash, `*` or `!`; empty where unknown.")


class Accounts(NamedTuple):
    """All users and groups of a root, by name."""

    users: dict[str, Account]
    groups: dict[str, Team]

    def ids(self, owner: str) -> tuple[int, int]:
        """The numbers of an owner `uid:gid` that may hold names; -1 for an empty part."""
        user, _, group = owner.partition(":")
        uid = self.users[user].uid if user in self.users else number(user, "user")
        return uid, self.groups[group].gid if group in self.groups else number(group, "group")

    def owner_fits(self, found: str, owner: str) -> bool:
        """Whether a node's owner, in numbers, is already what an owner says that may hold names."""
        is_ids = zip(map(int, found.split(":")), self.ids(owner), strict=True)
        return all(wanted in (-1, present) for present, wanted in is_ids)


def number(text: str, what: str) -> int:
    """One part of an owner that is no known name."""
    if text and not text.isdecimal():
        raise ProvisionError(f"{what} {shown(text)} does not exist in the root")
    return int(text or -1)


def parse(passwd: str, group: str, shadow: str = "", gshadow: str = "") -> Accounts:
    """The users and groups of four texts; lines that are none are passed over, as the C library does."""
    hashes = {line[0]: line[1] for line in rows(shadow, 2)}
    team_hashes = {line[0]: line[1] for line in rows(gshadow, 2)}
    users = {
        name: Account(
            name=name, uid=int(uid), gid=int(gid), gecos=gecos, home=home, shell=shell,
            password=hashes.get(name, password if password != "x" else ""),
        )
        for name, password, uid, gid, gecos, home, shell in (line[:7] for line in rows(passwd, 7))
        if is_id(uid) and is_id(gid)
    }  # fmt: skip
    groups = {
        name: Team(
            name=name, gid=int(gid), members=tuple(filter(None, members.split(","))),
            password=team_hashes.get(name, password if password != "x" else ""),
        )
        for name, password, gid, members in (line[:4] for line in rows(group, 4))
        if is_id(gid)
    }  # fmt: skip
    return Accounts(users, groups)


def is_id(text: str) -> bool:
    """Whether a field holds an id that the kernel takes; the highest number of 32 bits means none."""
    return text.isdecimal() and len(text) <= 10 and int(text) <= MAX_ID


def rows(text: str, width: int) -> Iterator[list[str]]:
    """The fields of every line that has enough of them; the first of two lines for one name wins."""
    seen = set()
    for line in text.split("\n"):
        fields = line.split(":")
        if len(fields) >= width and fields[0] not in seen:
            seen.add(fields[0])
            yield fields
