"""Everything that a provider touches, in one object, so that tests can put a folder and local servers in its place."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from threading import Event

from provision.apply import kernel_command_line
from provision.apply.commands import Ended, run
from provision.apply.fetch import Fetcher, NeedsNetwork
from provision.diagnostics import ProvisionError
from provision.typed import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from socket import socket

# More than that is no config: it would have to fit into the memory of a small machine, several times.
MAX_CONFIG_BYTES = 64 << 20
CHUNK_BYTES = 1 << 20
TRIES_TO_UNMOUNT = 3

# What can be handed to `ioctl`: a number, or a buffer that the kernel reads and writes.
Argument = int | bytearray


class OutputFile(NamedTuple):
    """A file that a provider wants to have in the new system; the files stage writes it."""

    path: str
    content: bytes
    mode: int


class Overtaken(BaseException):
    """Another source was first: what this thread waits for is not needed any more."""


class Host:
    """The machine as providers see it. The arguments after the first are for tests."""

    def __init__(
        self,
        fetcher: Fetcher,
        *,
        environ: Mapping[str, str] = os.environ,
        prefix: str = "",
        addresses: Mapping[str, str] | None = None,
        pace: float = 1,
        machine: str = "",
    ) -> None:
        self.fetcher = fetcher
        self.environ = environ
        # The folder that stands for `/`.
        self.prefix = prefix
        # Another origin (`http://127.0.0.1:8080`) for that of a metadata server.
        self.addresses = addresses or {}
        # How long a second of waiting lasts.
        self.pace = pace
        self.machine = machine or os.uname().machine
        self.stop = Event()
        self.output_files: list[OutputFile] = []

    def run(self, program: str, *arguments: str, accept: tuple[int, ...] = (0,), cwd: str | None = None) -> Ended:
        """Run one of `programs.PROGRAMS`; see `commands.run`."""
        return run(program, *arguments, accept=accept, cwd=cwd)

    def open(self, path: str, flags: int) -> int:
        """A descriptor of a device."""
        try:
            return os.open(self.path(path), flags | os.O_CLOEXEC)
        except OSError as error:
            raise ProvisionError(f"{path} cannot be opened: {error.strerror}") from None

    def ioctl(self, fd: int, request: int, argument: Argument = 0) -> int:
        """ioctl(2); raises OSError."""
        from fcntl import ioctl

        return ioctl(fd, request, argument)

    def connect_vsock(self, cid: int, port: int, limit_s: float) -> "socket":
        """A connection to the hypervisor's side; raises OSError."""
        import socket

        connection = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
        try:
            connection.settimeout(limit_s)
            connection.connect((cid, port))
        except BaseException:
            connection.close()
            raise
        return connection

    def path(self, path: str) -> str:
        """Where a path of the machine is found."""
        return self.prefix + path

    def address(self, url: str) -> str:
        """Where a metadata server is found."""
        scheme, mark, rest = url.partition("://")
        authority, slash, path = rest.partition("/")
        origin = scheme + mark + authority
        return self.addresses.get(origin, origin) + slash + path

    def kernel_command_line(self) -> str:
        """What the kernel was started with."""
        return kernel_command_line.read(self.environ, self.prefix)

    def exists(self, path: str) -> bool:
        """Whether there is something at a path."""
        return os.path.exists(self.path(path))

    def read(self, path: str, limit: int = MAX_CONFIG_BYTES) -> bytes | None:
        """The content of a file, None where there is none. NULs at the end do not count into the limit."""
        return read_file(self.path(path), limit)

    def load_module(self, module: str, sign: str = "") -> None:
        """Load a kernel module, unless what it brings is there already."""
        if not (sign and self.exists(sign)):
            self.run("modprobe", module)

    def wait(self, seconds: float) -> None:
        """Let time pass. Raises Overtaken as soon as another source was first."""
        if self.stop.wait(seconds * self.pace):
            raise Overtaken

    def pause(self, seconds: float) -> None:
        """Let time pass in what has to be ended properly, even if another source was first."""
        time.sleep(seconds * self.pace)

    def polls(self, every_s: float, limit_s: float | None = None) -> Iterator[None]:
        """One turn now and one after each wait, up to and with the moment when the limit is reached."""
        waited = 0.0
        while True:
            yield
            if limit_s is not None and waited >= limit_s:
                return
            self.wait(every_s)
            waited += every_s

    def needs_network(self, why: str) -> None:
        """Raise NeedsNetwork while offline, for what would not be asked for the network at once."""
        if self.fetcher.offline:
            raise NeedsNetwork(f"{why}, which needs the network")

    def in_race(self, stop: Event) -> "Host":
        """The same host for a source that may be overtaken."""
        runner = copy(self)
        runner.stop = stop
        return runner

    def within(self, total_s: float) -> Fetcher:
        """A fetcher for metadata servers that gives up after a time. The proxies of a config lead elsewhere."""
        direct = self.fetcher.settings._replace(total_s=total_s, http_proxy="", https_proxy="")
        return self.fetcher.with_settings(direct)

    def private_folder(self) -> str:
        """A new folder under /run, closed to others."""
        folder = self.path(f"/run/provision-{os.urandom(6).hex()}")
        try:
            os.makedirs(self.path("/run"), exist_ok=True)
            os.mkdir(folder, 0o700)
        except OSError as error:
            raise ProvisionError(f"{folder} cannot be made: {error.strerror}") from None
        return folder


def read_file(host_path: str, limit: int = MAX_CONFIG_BYTES) -> bytes | None:
    """The same for a path of this process."""
    try:
        with open(host_path, "rb", buffering=0) as file:
            return read_all(file.read, host_path, limit)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ProvisionError(f"{host_path} cannot be read: {error.strerror}") from None


def check_size(what: str, size: int, limit: int = MAX_CONFIG_BYTES) -> None:
    """Refuse what is too long for a config."""
    if size > limit:
        raise ProvisionError(f"{what} has more than {limit >> 20} MiB, the limit for a config")


def read_all(read: Callable[[int], bytes | None], what: str, limit: int) -> bytes:
    """All that a source has, where long runs of NULs, as at the end of a disk, take no memory until more follows."""
    content, zeros = bytearray(), 0
    while piece := read(CHUNK_BYTES):
        end = len(piece.rstrip(b"\0"))
        if end:
            check_size(what, len(content) + zeros + end, limit)
            content += bytes(zeros) + piece[:end]
            zeros = 0
        zeros += len(piece) - end
    return bytes(content) + bytes(min(zeros, max(limit - len(content), 0)))
