"""passwd.groups and passwd.users. Source: Ignition, `internal/exec/util/passwd.go`.

What the files under /etc already say is not done again, so that a second run changes nothing.
"""

from collections.abc import Iterator

from provision.apply.accounts import Account
from provision.apply.operations import Operation
from provision.apply.operations.users import (
    LOCKED,
    AddGroup,
    AddUser,
    GiveHome,
    ModifyGroup,
    ModifyUser,
    RemoveGroup,
    RemoveUser,
    SetGroupPassword,
    SetPassword,
    WriteAuthorizedKeys,
)
from provision.apply.paths import joined, parent_of, shown
from provision.apply.plan.draft import NEW_DIRECTORY, Draft
from provision.apply.programs import HOMES
from provision.ignition import Config, Group, User

# What would end a line in the files under /etc or in what chpasswd reads, or an argument.
BREAKING = "\n\r\0"


def plan_users(config: Config, draft: Draft) -> Iterator[Operation]:
    """Groups first: users may name them."""
    passwd = config.passwd
    if not (passwd.groups or passwd.users) or not may_change_users(draft):
        return
    for group in passwd.groups:
        if is_sound(group, "group", draft):
            yield from (operation.at(group) for operation in plan_group(group, draft))
    for user in passwd.users:
        if is_sound(user, "user", draft):
            yield from (operation.at(user) for operation in plan_user(user, draft))


def may_change_users(draft: Draft) -> bool:
    """Whether this process can do anything about users; if not, say what would help."""
    if not draft.facts.is_root:
        draft.refuse(
            "passwd: only root can add or change users and groups; run as root, or leave out with --skip passwd"
        )
    elif draft.facts.absent_programs:
        names = ", ".join(sorted(draft.facts.absent_programs))
        draft.refuse(f"passwd: not found on this machine: {names}; install them, or leave out with --skip passwd")
    else:
        return True
    return False


def is_sound(entry: User | Group, what: str, draft: Draft) -> bool:
    """Whether all texts of an entry can be handed to programs without becoming something else."""
    refused = len(draft.refusals)
    place = f"{what} {shown(entry.name)}"
    if not entry.name:
        draft.refuse(f"passwd: a {what} has an empty name")
    for row, value in entry.given():
        texts = value if isinstance(value, tuple) else (value,)
        if any(isinstance(text, str) and not is_plain(text) for text in texts):
            draft.refuse(f"{place}: {row.key} holds a line break, a NUL byte or half a surrogate pair")
    for key, value in (("name", entry.name), ("passwordHash", entry.password_hash)):
        if ":" in (value or ""):
            draft.refuse(f"{place}: {key} holds a colon, which ends a field of /etc/passwd and its like")
    return len(draft.refusals) == refused


def is_plain(text: str) -> bool:
    """Whether a text stays on one line and can be an argument of a program."""
    return not any(char in BREAKING or "\ud800" <= char <= "\udfff" for char in text)


def plan_group(group: Group, draft: Draft) -> Iterator[Operation]:
    """Add, change or delete one group."""
    found = draft.facts.groups.get(group.name)
    if group.should_exist is False:
        if draft.groups.pop(group.name, None) is not None:
            yield RemoveGroup(name=group.name)
        return
    if found is None:
        draft.groups[group.name] = group.name
        yield AddGroup(name=group.name, gid=group.gid, system=bool(group.system), password=group.password_hash or "")
    elif group.gid not in (None, found.gid):
        draft.groups[group.name] = str(group.gid)
        yield ModifyGroup(name=group.name, gid=group.gid)
    if group.password_hash and (found is None or found.password != group.password_hash):
        yield SetGroupPassword(name=group.name, password=group.password_hash)


def plan_user(user: User, draft: Draft) -> Iterator[Operation]:
    """Add, change or delete one user; then password and keys."""
    found = draft.facts.users.get(user.name)
    if user.should_exist is False:
        yield from plan_removal(user.name, found, draft)
        return
    if found is None:
        draft.users[user.name] = user.name
        if not user.no_user_group and not user.primary_group:
            draft.groups.setdefault(user.name, user.name)
        plan_home(user, draft)
        yield AddUser(name=user.name, options=tuple(new_options(user)), password=user.password_hash or "")
    else:
        yield from plan_change(user, found, draft)
    if not user.no_create_home:
        yield from plan_mounted_home(user, found, draft)
    yield from plan_password(user, found)
    if user.ssh_authorized_keys:
        keys = ("\n".join(user.ssh_authorized_keys) + "\n").encode(errors="replace")
        yield WriteAuthorizedKeys(
            name=user.name,
            file=draft.facts.keys_file,
            blob=draft.blobs.add(keys),
            count=len(user.ssh_authorized_keys),
        )


def plan_mounted_home(user: User, found: Account | None, draft: Draft) -> Iterator[Operation]:
    """Give a user those mount points in the home directory that were made for it: they belong to root so far."""
    home = user.home_dir or (found.home if found is not None else joined(HOMES, user.name))
    for path in draft.mount_points:
        if path == home or path.startswith(home.rstrip("/") + "/"):
            yield GiveHome(name=user.name, path=draft.resolve(path, follow=True))


def plan_removal(name: str, found: Account | None, draft: Draft) -> Iterator[Operation]:
    """Delete a user that exists, and with it the home directory."""
    if found is None:
        return
    draft.users.pop(name, None)
    leave_home(found, draft)
    yield RemoveUser(name=name)


def leave_home(found: Account, draft: Draft) -> None:
    """Know that the home directory will be gone from where it is."""
    home = draft.resolve(found.home, follow=True)
    if home != "/":
        draft.take_away(home)


def plan_home(user: User, draft: Draft) -> None:
    """Know of the home directory that useradd will have made."""
    home = user.home_dir or joined(HOMES, user.name)
    if user.no_create_home or not home.startswith("/"):
        return
    path = draft.resolve(home, follow=True)
    while path != "/" and draft.look(path).kind == "missing":
        draft.put(path, NEW_DIRECTORY)
        path = parent_of(path)


def new_options(user: User) -> Iterator[str]:
    """The options of useradd, in Ignition's order."""
    if user.home_dir:
        yield from ("--home-dir", user.home_dir)
    yield "--no-create-home" if user.no_create_home else "--create-home"
    switches = {"--no-user-group": user.no_user_group, "--system": user.system, "--no-log-init": user.no_log_init}
    yield from (option for option, wanted in switches.items() if wanted)
    yield from common_options(user)


def common_options(user: User) -> Iterator[str]:
    """The options that useradd and usermod share."""
    if user.uid is not None:
        yield from ("--uid", str(user.uid))
    if user.gecos:
        yield from ("--comment", user.gecos)
    if user.primary_group:
        yield from ("--gid", user.primary_group)
    if user.groups:
        yield from ("--groups", ",".join(user.groups))
    if user.shell:
        yield from ("--shell", user.shell)


def plan_change(user: User, found: Account, draft: Draft) -> Iterator[Operation]:
    """Change what differs in an existing user."""
    options = [*common_options(user.changed(**settled(user, found, draft)))]
    if user.home_dir and user.home_dir != found.home:
        options = ["--home", user.home_dir, "--move-home", *options]
        leave_home(found, draft)
        draft.put(draft.resolve(user.home_dir, follow=True), NEW_DIRECTORY)
    if "--uid" in options:
        draft.users[user.name] = str(user.uid)
    if options:
        yield ModifyUser(name=user.name, options=tuple(options))


def settled(user: User, found: Account, draft: Draft) -> dict[str, object]:
    """The fields of the config that the account has already, with the values that leave them out."""
    facts = draft.facts
    primary = draft.groups.get(user.primary_group or "", user.primary_group)
    memberships = {name for name, team in facts.groups.items() if user.name in team.members}
    same: dict[str, bool] = {
        "uid": user.uid == found.uid,
        "gecos": user.gecos == found.gecos,
        "primary_group": primary == str(found.gid),
        "groups": set(user.groups) == memberships,
        "shell": user.shell == found.shell,
    }
    return {name: () if name == "groups" else None for name, settled in same.items() if settled}


def plan_password(user: User, found: Account | None) -> Iterator[Operation]:
    """Set the hash where the config has one; an empty one locks the password, none leaves what is there."""
    if user.password_hash is None:
        return
    password = user.password_hash or LOCKED
    present = found.password if found is not None else LOCKED
    if password != present:
        yield SetPassword(name=user.name, password=password)
