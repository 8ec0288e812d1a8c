"""Acts on users and groups, by the shadow suite's programs with `--root`.

`--root` (chroot) and not `--prefix`: with it the programs find login.defs, /etc/skel and the lock files of the root and
not those of the machine that runs them. Hashes of passwords go through the standard input of chpasswd and chgpasswd;
`useradd --password` would show them to every process.
"""

from provision.apply.accounts import Account, Accounts
from provision.apply.operations import Operation, Reader, System
from provision.apply.paths import joined, owner_fits, parent_of, shown
from provision.apply.programs import HOMES
from provision.contents import sha512
from provision.diagnostics import ProvisionError
from provision.record import field
from provision.typed import Any

# What the programs rewrite, backups and locks included. Source: Ignition, `internal/exec/stages/files/passwd.go`.
DATABASES = tuple(f"/etc/{name}" for name in ("passwd", "group", "shadow", "gshadow", "subuid", "subgid"))
ACCOUNT_FILES = (*DATABASES, *(f"{path}-" for path in DATABASES), "/etc/.pwd.lock")

ETC = "/etc"

# What stands for "no password works". Source: shadow(5).
LOCKED = "*"


class UserAct(Operation):
    """An act on users or groups."""

    def touched(self, reader: Reader) -> tuple[str, ...]:
        account = reader.accounts().users.get(getattr(self, "name", ""))
        return (*ACCOUNT_FILES, *((account.home,) if account is not None and account.home.startswith("/") else ()))


class DatabaseAct(UserAct):
    """An act that changes the databases of users, by a program that changes one after another."""

    def note(self, system: System) -> dict[str, Any]:
        """The databases as they are, and the home directory that the act may make."""
        files = {path: kept(system, path) for path in DATABASES}
        home = self.new_home(system)
        return {"files": files} | ({"home": home} if home else {})

    def new_home(self, reader: Reader) -> str:
        """The true path of the home directory that the act makes; empty where it makes none, or it is there already."""
        return ""

    def recover(self, system: System, note: dict[str, Any]) -> bool:
        """Put the databases back, and take away locks and what was made of the home directory."""
        etc = system.resolve(ETC, follow=True)
        for name in system.names(etc):
            if is_half_done(name):
                system.remove(joined(etc, name))
        for path, file in note["files"].items():
            put_back(system, path, file)
        if "home" in note:
            system.remove(note["home"])
        system.forget()
        return False


def is_half_done(name: str) -> bool:
    """Whether a name in /etc is of what the programs put beside the databases while they work: locks, and new versions."""
    stem, _, ending = name.rstrip("+").partition(".")
    is_beside = ending == "lock" or ending.isdecimal() or (not ending and name.endswith("+"))
    return is_beside and f"{ETC}/{stem}" in DATABASES


def kept(reader: Reader, path: str) -> dict[str, Any] | None:
    """A file with its attributes, as JSON; None for one that is missing."""
    true_path = reader.resolve(path, follow=True)
    found = reader.look(true_path)
    if found.kind != "file":
        return None
    return {"content": reader.read(true_path).decode("latin-1"), "mode": found.mode, "owner": found.owner}


def put_back(system: System, path: str, file: dict[str, Any] | None) -> None:
    """Make a file what it was."""
    true_path = system.resolve(path, follow=True)
    if file is None:
        system.remove(true_path)
    elif kept(system, path) != file:
        system.replace(true_path, file["content"].encode("latin-1"), file["mode"], file["owner"])


class AddGroup(DatabaseAct):
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


class ModifyGroup(DatabaseAct):
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


class RemoveGroup(DatabaseAct):
    """Delete a group."""

    name: str = field(doc="Name of the group.")

    def describe(self) -> str:
        return f"remove group {shown(self.name)}"

    def done(self, reader: Reader) -> bool:
        return self.name not in reader.accounts().groups

    def execute(self, system: System) -> None:
        system.run("groupdel", "--", self.name)


class SetGroupPassword(DatabaseAct):
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


class AddUser(DatabaseAct):
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

    def new_home(self, reader: Reader) -> str:
        if "--create-home" not in self.options:
            return ""
        home = value_of("--home-dir", self.options) or joined(HOMES, self.name)
        path = reader.resolve(home, follow=True)
        return path if reader.look(path).kind == "missing" else ""


def value_of(option: str, options: tuple[str, ...]) -> str:
    """The value of an option; empty where it is not given."""
    return options[options.index(option) + 1] if option in options else ""


class ModifyUser(DatabaseAct):
    """Change a user. The planner compares; by looking alone it is never done."""

    name: str = field(doc="Login name.")
    options: tuple[str, ...] = field(default=(), doc="Options for usermod; none of them secret.")

    def describe(self) -> str:
        return f"change user {shown(self.name)}: {shown(' '.join(self.options))}"

    def done(self, reader: Reader) -> bool:
        return False

    def execute(self, system: System) -> None:
        system.run("usermod", *self.options, "--", self.name)

    def recover(self, system: System, note: dict[str, Any]) -> bool:
        super().recover(system, note)
        home = value_of("--home", self.options)
        account = system.accounts().users.get(self.name)
        if not home or account is None:
            return False
        old, new = (system.resolve(path, follow=True) for path in (account.home, home))
        if system.look(old).kind != "missing" or system.look(new).kind != "directory":
            return False
        # The home directory has moved already: usermod refuses to move it onto itself.
        options = tuple(option for option in self.options if option != "--move-home")
        system.run("usermod", *options, "--", self.name)
        return True


class RemoveUser(DatabaseAct):
    """Delete a user with the home directory."""

    name: str = field(doc="Login name.")

    def describe(self) -> str:
        return f"remove user {shown(self.name)} and the home directory"

    def done(self, reader: Reader) -> bool:
        return self.name not in reader.accounts().users

    def execute(self, system: System) -> None:
        system.run("userdel", "--remove", "--", self.name)


class SetPassword(DatabaseAct):
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
