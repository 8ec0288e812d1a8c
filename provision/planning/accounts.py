"""What becomes of each user and group that a config names, in words. Pure."""

from collections.abc import Iterator
from typing import NamedTuple

from provision.apply.operations import Operation
from provision.apply.operations.users import (
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
from provision.apply.paths import shown
from provision.formats import counted
from provision.ignition import Config, Group, User
from provision.planning.losses import Loss
from provision.planning.rows import Action, Planned, first_loss
from provision.planning.toll import Step


class AccountPlan(NamedTuple):
    """What becomes of a user or group, in words."""

    name: str
    action: Action
    words: tuple[str, ...] = ()
    lost: Loss | None = None


def user_plans(config: Config, planned: Planned) -> Iterator[AccountPlan]:
    """One for each user of the config."""
    for user in config.passwd.users:
        steps = planned.of(user)
        words = tuple(word for step in steps for word in user_words(user, step.operation))
        yield AccountPlan(user.name, account_action(user, steps, planned), words, first_loss(steps))


def group_plans(config: Config, planned: Planned) -> Iterator[AccountPlan]:
    """One for each group of the config."""
    for group in config.passwd.groups:
        steps = planned.of(group)
        words = tuple(word for step in steps for word in group_words(step.operation))
        yield AccountPlan(group.name, account_action(group, steps, planned), words)


ACCOUNT_ACTIONS: dict[type[Operation], Action] = {
    AddUser: "make", AddGroup: "make", RemoveUser: "delete", RemoveGroup: "delete",
}  # fmt: skip


def account_action(entry: User | Group, steps: list[Step], planned: Planned) -> Action:
    """What becomes of an account as a whole."""
    what = "user" if isinstance(entry, User) else "group"
    if planned.is_refused("passwd", f"{what} {entry.name}"):
        return "refuse"
    for step in steps:
        if type(step.operation) in ACCOUNT_ACTIONS:
            return ACCOUNT_ACTIONS[type(step.operation)]
    if entry.should_exist is False:
        return "absent"
    return "change" if steps else "keep"


def user_words(user: User, operation: Operation) -> Iterator[str]:
    """What one operation does to a user."""
    if isinstance(operation, AddUser):
        yield from new_user_words(user)
    elif isinstance(operation, ModifyUser):
        yield from option_words(operation.options)
    elif isinstance(operation, SetPassword):
        yield "no password works" if user.password_hash == "" else "password set"
    elif isinstance(operation, WriteAuthorizedKeys):
        yield f"{counted(operation.count, 'key')} in ~/{shown(operation.file)}"
    elif isinstance(operation, GiveHome):
        yield f"owner of {shown(operation.path)}"


def new_user_words(user: User) -> Iterator[str]:
    """What a new user is given."""
    values = {
        "uid": user.uid, "group": user.primary_group, "in": ", ".join(user.groups), "home": user.home_dir,
        "shell": user.shell, "comment": user.gecos,
    }  # fmt: skip
    yield from (f"{name} {shown(str(value))}" for name, value in values.items() if value not in (None, ""))
    yield from ["of the system"] * bool(user.system)
    yield from ["no home directory"] * bool(user.no_create_home)


# The options of usermod that planners use, in words.
OPTIONS = {
    "--uid": "uid", "--comment": "comment", "--gid": "group", "--groups": "in", "--shell": "shell",
    "--home": "home moved to",
}  # fmt: skip


def option_words(options: tuple[str, ...]) -> Iterator[str]:
    """The options of usermod in words."""
    rest = iter(options)
    for option in rest:
        if option in OPTIONS:
            yield f"{OPTIONS[option]} {shown(next(rest, '').replace(',', ', '))}"


def group_words(operation: Operation) -> Iterator[str]:
    """What one operation does to a group."""
    if isinstance(operation, AddGroup | ModifyGroup) and operation.gid is not None:
        yield f"gid {operation.gid}"
    elif isinstance(operation, SetGroupPassword):
        yield "password set"
