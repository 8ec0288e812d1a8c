"""Acts on users and groups, by the shadow suite's programs with `--root`.

`--root` (chroot) and not `--prefix`: with it the programs find login.defs, /etc/skel and the lock files of the root and
not those of the machine that runs them. Hashes of passwords go through the standard input of chpasswd and chgpasswd;
`useradd --password` would show them to every process.
"""

from provision.apply.accounts import Account, Accounts
from provision.apply.operations import Operation, Reader, System
from provision.apply.paths import joined, owner_fits, parent_of, shown
from provision.contents import sha512
from provision.diagnostics import ProvisionError
from provision.record import field

# What the programs rewrite, backups and locks included. Source: Ignition, `internal/exec/stages/files/passwd.go`.
ACCOUNT_FILES = (
    *(f"/etc/{name}" for name in ("passwd", "group", "shadow", "gshadow", "subuid", "subgid")),
    *(f"/etc/{name}-" for name in ("passwd", "group", "shadow", "gshadow", "subuid", "subgid")),
    "/etc/.pwd.lock",
)

# What stands for "no password works". Source: shadow(5).
LOCKED = "*"


class UserAct(Operation):
    """An act on users or groups."""

    def touched(self, reader: Reader) -> tuple[str, ...]:
        account = reader.accounts().users.get(getattr(self, "name", ""))
        return (*ACCOUNT_FILES, *((account.home,) if account is not None and account.home.startswith("/") else ()))


class AddGroup(UserAct):
    """Make a group."""

    name: str = field(doc="Name of the group.")
    gid: int | None = field(default=None, doc="Numeric id; None takes a free one.")
    system: bool = field(doc="Take the id from the system's range.")
    password: str = field(default="", secret=True, doc="Hash for machines that take it as an argument; see AddUser.")

    def describe(self) -> str:
        return f"add group {shown(self.name)}" + (f": gid {self.gid}" if self.gid is not None else "")

    def done(self, reader: Reader) -> bool:
        return self.name in reader.accounts().groups

    def execute(self, system: System) -> None:
        options = [] if self.gid is None else ["--gid", str(self.gid)]
        options += ["--password", self.password] if self.password and system.hashes_are_arguments else []
        system.run("groupadd", *options, *["--system"] * self.system, "--", self.name)


class ModifyGroup(UserAct):
    """Change a group's id."""

    name: str = field(doc="Name of the group.")
    gid: int = field(doc="Numeric id.")

    def describe(self) -> str:
        return f"change group {shown(self.name)}: gid {self.gid}"

    def done(self, reader: Reader) -> bool:
        found = reader.accounts().groups.get(self.name)
        return found is not None and found.gid == self.gid

    def execute(self, system: System) -> None:
        system.run("groupmod", "--gid", str(self.gid), "--", self.name)


class RemoveGroup(UserAct):
    """Delete a group."""

    name: str = field(doc="Name of the group.")

    def describe(self) -> str:
        return f"remove group {shown(self.name)}"

    def done(self, reader: Reader) -> bool:
        return self.name not in reader.accounts().groups

    def execute(self, system: System) -> None:
        system.run("groupdel", "--", self.name)


class SetGroupPassword(UserAct):
    """Set the hash of a group's password."""

    name: str = field(doc="Name of the group.")
    password: str = field(secret=True, doc="Hash, as crypt(3) writes it.")

    def describe(self) -> str:
        return f"set the password of group {shown(self.name)}"

    def done(self, reader: Reader) -> bool:
        found = reader.accounts().groups.get(self.name)
        return found is not None and found.password == self.password

    def execute(self, system: System) -> None:
        if system.hashes_are_arguments:
            system.run("groupmod", "--password", self.password, "--", self.name)
        else:
            system.run("chgpasswd", "--encrypted", stdin=f"{self.name}:{self.password}\n")


class AddUser(UserAct):
    """Make a user; without a password that works until SetPassword comes."""

    name: str = field(doc="Login name.")
    options: tuple[str, ...] = field(default=(), doc="Options for useradd; none of them secret.")
    password: str = field(
        default="", secret=True, doc="Hash for machines that take it as an argument; on others SetPassword sets it."
    )

    def describe(self) -> str:
        return f"add user {shown(self.name)}: {shown(' '.join(self.options))}"

    def done(self, reader: Reader) -> bool:
        return self.name in reader.accounts().users

    def execute(self, system: System) -> None:
        password = self.password if self.password and system.hashes_are_arguments else LOCKED
        system.run("useradd", *self.options, "--password", password, "--", self.name)


class ModifyUser(UserAct):
    """Change a user. The planner compares; by looking alone it is never done."""

    name: str = field(doc="Login name.")
    options: tuple[str, ...] = field(default=(), doc="Options for usermod; none of them secret.")

    def describe(self) -> str:
        return f"change user {shown(self.name)}: {shown(' '.join(self.options))}"

    def done(self, reader: Reader) -> bool:
        return False

    def execute(self, system: System) -> None:
        system.run("usermod", *self.options, "--", self.name)


class RemoveUser(UserAct):
    """Delete a user with the home directory."""

    name: str = field(doc="Login name.")

    def describe(self) -> str:
        return f"remove user {shown(self.name)} and the home directory"

    def done(self, reader: Reader) -> bool:
        return self.name not in reader.accounts().users

    def execute(self, system: System) -> None:
        system.run("userdel", "--remove", "--", self.name)


class SetPassword(UserAct):
    """Set the hash of a user's password."""

    name: str = field(doc="Login name.")
    password: str = field(secret=True, doc="Hash, as crypt(3) writes it.")

    def describe(self) -> str:
        return f"set the password of {shown(self.name)}" + (" to none that works" if self.password == LOCKED else "")

    def done(self, reader: Reader) -> bool:
        found = reader.accounts().users.get(self.name)
        return found is not None and found.password == self.password

    def execute(self, system: System) -> None:
        system.set_password(self.name, self.password)


class GiveHome(UserAct):
    """Give a user a directory in the home, closed to others."""

    name: str = field(doc="Login name.")
    path: str = field(doc="True path in the root.")

    def describe(self) -> str:
        return f"give {shown(self.path)} to user {shown(self.name)}: mode 0700"

    def done(self, reader: Reader) -> bool:
        account = reader.accounts().users.get(self.name)
        found = reader.look(self.path)
        return account is not None and (found.mode, found.owner) == (0o700, f"{account.uid}:{account.gid}")

    def execute(self, system: System) -> None:
        account = system.accounts().users.get(self.name)
        if account is None:
            raise ProvisionError(f"user {shown(self.name)} does not exist in the root")
        system.change(self.path, 0o700, f"{account.uid}:{account.gid}")


class WriteAuthorizedKeys(UserAct):
    """Write a user's authorized keys, below the home directory that the user has by then.

    Links are followed in the home directory's own path, none below it: those are the user's to make, and root writes.
    """

    name: str = field(doc="Login name.")
    file: str = field(doc="Path of the file below the home directory.")
    blob: str = field(doc="SHA-512 of the content, hex.")
    count: int = field(doc="How many keys there are.")

    def describe(self) -> str:
        keys = f"{self.count} authorized key{'s' * (self.count != 1)}"
        return f"write {keys} of {shown(self.name)} to ~/{self.file}: sha512 {self.blob[:12]}, mode 0600"

    def done(self, reader: Reader) -> bool:
        account = reader.accounts().users.get(self.name)
        if account is None:
            return False
        path = joined(reader.resolve(account.home, follow=True), self.file)
        found = reader.look(path)
        return (
            (found.kind, found.mode) == ("file", 0o600)
            and owner_fits(found.owner, f"{account.uid}:{account.gid}")
            and sha512(reader.read(path)) == self.blob
        )

    def execute(self, system: System) -> None:
        account = account_of(system.accounts(), self.name)
        owner = f"{account.uid}:{account.gid}"
        home = system.resolve(account.home, follow=True)
        make_missing(system, parent_of(home), 0o755, "")
        path = joined(home, self.file)
        make_missing(system, parent_of(path), 0o700, owner)
        system.replace(path, system.blob(self.blob), 0o600, owner)


def account_of(accounts: Accounts, name: str) -> Account:
    """The account of a name; its home directory is an absolute path."""
    account = accounts.users.get(name)
    if account is None:
        raise ProvisionError(f"user {shown(name)} does not exist in the root")
    if not account.home.startswith("/"):
        raise ProvisionError(f"user {shown(name)} has no home directory to hold authorized keys")
    return account


def make_missing(system: System, path: str, mode: int, owner: str) -> None:
    """Make those directories of a true path that are missing."""
    missing = []
    while path != "/" and system.look(path).kind == "missing":
        missing.append(path)
        path = parent_of(path)
    for directory in reversed(missing):
        system.make_directory(directory, mode, owner)
