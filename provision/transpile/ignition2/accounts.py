"""`passwd`: users with their old `create` lifted, each once; groups."""

from typing import Any

from provision.ignition import Group, Passwd, User
from provision.record import Record, Spec
from provision.schema import ignition2 as old
from provision.transpile.author import Author
from provision.transpile.ignition2.carrying import carried, given, place_of

# Until then an empty hash was none; since then it locks the password.
EMPTY_HASH: Spec = (2, 1)
# What an account is made with: the keys of `create`, later of the user. Only useradd has the last four.
ADD_ONLY = ("no_create_home", "no_log_init", "no_user_group", "system")
CREATED = ("gecos", "groups", "home_dir", "primary_group", "shell", "uid", *ADD_ONLY)


def section(passwd: old.Passwd, author: Author, version: Spec) -> Passwd:
    """The section in Ignition 3."""
    groups = tuple(carried(Group, group, "gid name password_hash system") for group in passwd.groups)
    users = tuple(user(each, author, version) for each in passwd.users)
    return carried(Passwd, passwd, groups=groups, users=each_once(users, author))


def user(account: old.User, author: Author, version: Spec) -> User:
    """One account; `create` replaces what stands beside it, as Ignition 2 has it."""
    created = account if account.create is None else account.create
    if not account.password_hash and version < EMPTY_HASH:
        account = account.changed(password_hash=None)
    new = carried(User, account, "name password_hash ssh_authorized_keys", **values(created))
    spots = {name: place for name in CREATED if (place := place_of(author, created, name)) is not None}
    new = new.spotted(**spots)
    new = without_repeats(without_repeats(new, "groups", author), "ssh_authorized_keys", author)
    return new.as_broken() if created.broken else new


def values(created: Record) -> dict[str, Any]:
    """What an account is made with, as far as it is set."""
    return {name: value for name in CREATED if (value := given(created, name)) is not None}


def without_repeats(account: User, name: str, author: Author) -> User:
    """The user with each entry of a list once: Ignition 3 refuses what meant nothing in Ignition 2."""
    entries: tuple[str, ...] = getattr(account, name)
    first = {entry: index for index, entry in reversed(list(enumerate(entries)))}
    if len(first) == len(entries):
        return account
    kept = sorted(first.values())
    places = tuple(author.place(account, name, index) for index in kept)
    return account.changed(**{name: tuple(entries[index] for index in kept)}).spotted(**{name: places})


def each_once(users: tuple[User, ...], author: Author) -> tuple[User, ...]:
    """Users of one name as one, at the first one's place in the list."""
    by_name: dict[str, User] = {}
    for account in users:
        earlier = by_name.get(account.name)
        by_name[account.name] = account if earlier is None else together(earlier, account, author)
    return tuple(by_name.values())


def together(earlier: User, later: User, author: Author) -> User:
    """A user that is given twice, as Ignition 2 left him: made by the first, modified by the second."""
    author.complain(
        "PV206", "warning", later, None, f"user {later.name} is given twice; what is set here replaces the earlier",
        "join the two entries",
    )  # fmt: skip
    changes = {
        row.name: value
        for row, value in later.given()
        if value is not None and value != () and row.name not in ADD_ONLY
    }
    spots = {name: place for name in changes if (place := place_of(author, later, name)) is not None}
    joined = earlier.changed(**changes).spotted(**spots)
    return joined.as_broken() if later.broken else joined
