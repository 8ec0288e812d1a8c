"""What acts on a root cost: which of them destroy something that is there, and which find that all is so already. Pure."""

from collections.abc import Iterable, Iterator

from provision.apply.operations import Operation
from provision.apply.operations.nodes import MakeHardLink, MakeLink, Remove, WriteFile
from provision.apply.operations.remote import WriteRemote
from provision.apply.operations.units import UnmaskUnit
from provision.apply.operations.users import RemoveUser, WriteAuthorizedKeys
from provision.apply.paths import joined, owner_fits
from provision.apply.plan.draft import Draft
from provision.apply.programs import HOMES
from provision.ignition import Node, User
from provision.planning.losses import Loss, node_loss
from provision.planning.tree import AppendToFile
from provision.typed import NamedTuple

# What comes to stand in the place of something else, in one rename.
REPLACING = (WriteFile, WriteRemote, MakeLink, MakeHardLink)


class Step(NamedTuple):
    """An operation on the root, and what it destroys."""

    operation: Operation
    lost: Loss | None = None


def priced(operations: Iterable[Operation], draft: Draft) -> Iterator[Step]:
    """The operations that have anything to do, each with what it destroys; nothing is destroyed twice."""
    gone: list[str] = []
    for operation in operations:
        if isinstance(operation, WriteAuthorizedKeys):
            yield from price_keys(operation, draft, gone)
            continue
        lost = loss(operation, draft, tuple(gone))
        yield Step(operation, lost)
        if isinstance(operation, RemoveUser):
            account = draft.facts.users.get(operation.name)
            gone += [account.home + "/"] if account is not None and account.home.strip("/") else []
        elif lost is not None:
            gone.append(lost.subject + "/")


def loss(operation: Operation, draft: Draft, gone: tuple[str, ...]) -> Loss | None:
    """What an operation destroys."""
    if isinstance(operation, RemoveUser):
        account = draft.facts.users.get(operation.name)
        home = f"with the home directory {account.home}" if account is not None else ""
        return Loss("user", operation.name, home, "the config deletes the user")
    path = getattr(operation, "path", "")
    if not path or (path + "/").startswith(gone):
        return None
    if isinstance(operation, Remove):
        # What else is removed is links that start units, and masks.
        is_asked = isinstance(operation.origin, Node) and not isinstance(operation, UnmaskUnit)
        return node_loss(path, draft.facts.nodes[path], "`overwrite` is set") if is_asked else None
    if isinstance(operation, REPLACING) and not keeps_content(operation, draft):
        found = draft.facts.nodes[path]
        why = "`overwrite` is set" if isinstance(operation.origin, Node) else "it is replaced"
        return node_loss(path, found, why) if found.kind not in ("missing", "directory") else None
    return None


def keeps_content(operation: Operation, draft: Draft) -> bool:
    """Whether an operation that writes leaves the content that is there, and changes its attributes or its end."""
    if isinstance(operation, AppendToFile):
        return True
    if isinstance(operation, WriteRemote):
        return operation.keeps
    if not isinstance(operation, WriteFile):
        return False
    is_file = draft.facts.nodes[operation.path].kind == "file"
    return is_file and draft.facts.holds(operation.path, draft.blobs[operation.blob])


def price_keys(operation: WriteAuthorizedKeys, draft: Draft, gone: list[str]) -> Iterator[Step]:
    """The same for authorized keys: their place follows from the account, and they may be as they are wanted."""
    account = draft.facts.users.get(operation.name)
    home = home_of(operation, draft)
    path = joined(draft.resolve(home, follow=True), operation.file) if home.startswith("/") else ""
    found = draft.facts.nodes[path] if path else None
    if found is None or found.kind == "missing" or (path + "/").startswith(tuple(gone)):
        yield Step(operation)
        return
    holds = found.kind == "file" and draft.facts.holds(path, draft.blobs[operation.blob])
    owner = f"{account.uid}:{account.gid}" if account is not None else ""
    if not holds or found.mode != 0o600 or not owner_fits(found.owner, owner):
        yield Step(operation, None if holds else node_loss(path, found, "the keys of the config take its place"))


def home_of(operation: WriteAuthorizedKeys, draft: Draft) -> str:
    """The home directory that a user will have."""
    user, account = operation.origin, draft.facts.users.get(operation.name)
    if isinstance(user, User) and user.home_dir:
        return user.home_dir
    return account.home if account is not None else joined(HOMES, operation.name)
