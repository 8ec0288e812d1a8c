"""Looking into a root directory. Read-only, and unable to leave the root.

Every directory is opened from the one above it without following a link (openat with O_NOFOLLOW), so a link that
somebody slips in between looking and acting ends in an error, not outside. `paths.resolve` follows links, as text.
"""

import os
import stat
from collections.abc import Callable

from provision.apply.accounts import Accounts, parse
from provision.apply.facts import Facts
from provision.apply.paths import MISSING, Found, NodeKind, resolve
from provision.apply.programs import ACCOUNT_PROGRAMS, GROUP, GSHADOW, PASSWD, SHADOW, keys_file, program, search_path
from provision.diagnostics import ProvisionError
from provision.typed import TypeVar

STEP = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

# Far below the usual limit of 1024 open files, far above the depth at which neighbouring paths share directories.
MAX_OPEN = 256

KINDS: dict[int, NodeKind] = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "link"}

V = TypeVar("V")


class Root:
    """A directory that stands for `/` of the system being set up. All paths are true ones (see `paths`)."""

    def __init__(self, host_path: str) -> None:
        try:
            self.fd = os.open(host_path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise ProvisionError(
                f"--root {host_path}: {error.strerror}; give a directory that exists", exit_code=2
            ) from None
        self.host_path = os.path.realpath(host_path)
        self.opened: dict[str, int] = {}
        self.known_accounts: Accounts | None = None

    def is_running_system(self) -> bool:
        """Whether this is the directory that the running system calls `/`."""
        return os.path.samestat(os.fstat(self.fd), os.stat("/"))

    def directory(self, path: str) -> int:
        """A descriptor of a directory, good until two others were asked for; `path` is "" for the root itself."""
        if not path:
            return self.fd
        fd = self.opened.pop(path, None)
        if fd is None:
            fd = self.walk(path)
            if len(self.opened) >= MAX_OPEN:
                os.close(self.opened.pop(next(iter(self.opened))))
        self.opened[path] = fd
        return fd

    def walk(self, path: str) -> int:
        """Open a directory, starting at the nearest one that is open already."""
        known = path
        while known and known not in self.opened:
            known = known.rpartition("/")[0]
        start = fd = self.opened.get(known, self.fd)
        for name in path[len(known) + 1 :].split("/"):
            try:
                inner = os.open(name, STEP, dir_fd=fd)
            finally:
                if fd != start:
                    os.close(fd)
            fd = inner
        return fd

    def place(self, path: str) -> tuple[int, str]:
        """The directory that a path stands in, as a descriptor, and its name there; the root's own name is `.`."""
        parent, _, name = path.rpartition("/")
        return self.directory(parent), name or "."

    def forget(self) -> None:
        """Close all directories and drop what was read of users: what they were may have moved."""
        self.known_accounts = None
        while self.opened:
            os.close(self.opened.popitem()[1])

    def close(self) -> None:
        """Give back every descriptor."""
        self.forget()
        os.close(self.fd)

    def look(self, path: str) -> Found:
        """What is at a path."""
        try:
            directory, name = self.place(path)
            status = os.stat(name, dir_fd=directory, follow_symlinks=False)
            target = os.readlink(name, dir_fd=directory) if stat.S_ISLNK(status.st_mode) else ""
        except (FileNotFoundError, NotADirectoryError):
            return MISSING
        return Found(
            KINDS.get(stat.S_IFMT(status.st_mode), "other"),
            status.st_mode & 0o7777,
            f"{status.st_uid}:{status.st_gid}",
            status.st_size,
            target,
            (status.st_dev, status.st_ino),
        )

    def read(self, path: str) -> bytes:
        """The content of a regular file."""
        directory, name = self.place(path)
        with open(os.open(name, READ, dir_fd=directory), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ProvisionError(f"{path} is not a regular file")
            return file.read()

    def names(self, path: str) -> tuple[str, ...]:
        """The sorted entries of a directory; none for what is no directory."""
        if self.look(path).kind != "directory":
            return ()
        directory, name = self.place(path)
        fd = os.open(name, READ | os.O_DIRECTORY, dir_fd=directory)
        try:
            return tuple(sorted(os.listdir(fd)))
        finally:
            os.close(fd)

    def resolve(self, path: str, *, follow: bool = False) -> str:
        """The true path, by the links that are there now."""
        return resolve(path, self.look, follow=follow)

    def text(self, path: str) -> str:
        """A file under /etc as text, empty where it is missing."""
        true_path = self.resolve(path, follow=True)
        return self.read(true_path).decode(errors="replace") if self.look(true_path).kind == "file" else ""

    def accounts(self) -> Accounts:
        """The users and groups; with passwords only for root, the one who may read them."""
        if self.known_accounts is None:
            secrets = (self.text(SHADOW), self.text(GSHADOW)) if os.geteuid() == 0 else ()
            self.known_accounts = parse(self.text(PASSWD), self.text(GROUP), *secrets)
        return self.known_accounts


class Lookup(dict[str, V]):
    """A mapping by path that looks when it is first asked; `keep` says whether it remembers the answer."""

    def __init__(self, ask: Callable[[str], V], *, keep: bool = True) -> None:
        super().__init__()
        self.ask = ask
        self.keep = keep

    def __missing__(self, path: str) -> V:
        try:
            answer = self.ask(path)
        except OSError as error:
            raise ProvisionError(f"{path}: cannot be looked at: {error.strerror}") from None
        if self.keep:
            self[path] = answer
        return answer


def survey(root: Root) -> Facts:
    """What a plan needs to know of a root; single paths are looked at when the planner asks for them."""
    try:
        accounts = root.accounts()
    except OSError as error:
        raise ProvisionError(f"{root.host_path}: its users cannot be read: {error.strerror}") from None
    return Facts(
        nodes=Lookup(root.look),
        contents=Lookup(root.read, keep=False),
        names=Lookup(root.names),
        users=accounts.users,
        groups=accounts.groups,
        is_root=os.geteuid() == 0,
        absent_programs=frozenset(name for name in ACCOUNT_PROGRAMS if find_program(name) is None),
        keys_file=keys_file(os.environ),
    )


def find_program(name: str) -> str | None:
    """The path of one of `programs.PROGRAMS` on this machine, None where there is none."""
    wanted = program(name, os.environ)
    if "/" in wanted:
        return wanted if os.access(wanted, os.X_OK) else None
    candidates = (f"{folder or '.'}/{wanted}" for folder in search_path(os.environ).split(":"))
    return next((path for path in candidates if os.path.isfile(path) and os.access(path, os.X_OK)), None)
