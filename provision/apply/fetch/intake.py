"""What is done with bytes as they come in: unpack, count, hash, write. Nothing of it is valid before `finish`."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from provision.contents import Checksum, Gunzip, limit_words
from provision.diagnostics import ProvisionError
from provision.ignition import Resource
from provision.typed import Protocol


class Writable(Protocol):
    """Where bytes go: a file, open for writing, that can be rewound."""

    def write(self, data: bytes, /) -> int | None:
        """Write some of it; how much."""

    def seek(self, offset: int, /) -> int:
        """Go to a place."""

    def tell(self) -> int:
        """Which place that is."""

    def truncate(self) -> int:
        """Forget what stands behind it."""

    def flush(self) -> None:
        """Hand all of it to the system."""


# Called with the packed bytes that came in so far, and how many it will be, where the server says so.
Progress = Callable[[int, int | None], None]


class Intake:
    """One attempt to get the content of a resource into a file, from where the file stands. Messages begin with `name`."""

    def __init__(self, name: str, resource: Resource, file: Writable, limit: int | None) -> None:
        self.name, self.file, self.limit, self.size = name, file, limit, 0
        with self.blamed():
            self.gunzip = unpacker(resource.compression, limit)
            self.checksum = Checksum(resource.verification.hash) if resource.verification.hash else None

    def start_at(self, start: int) -> None:
        """Take away what an earlier attempt wrote from there on."""
        with self.blamed():
            rewind(self.file, start)

    def expect(self, packed: int | None) -> None:
        """Refuse what is announced to be too large."""
        if packed is not None and self.limit is not None and not self.gunzip and packed > self.limit:
            raise ProvisionError(f"{self.name}: it has {packed} bytes, more than {limit_words(self.limit)}")

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        with self.blamed():
            for piece in self.gunzip.feed(data) if self.gunzip else (data,):
                self.take(piece)

    def take(self, piece: bytes) -> None:
        """Take unpacked bytes."""
        self.size += len(piece)
        if self.limit is not None and self.size > self.limit:
            raise ProvisionError(f"the content has more than {limit_words(self.limit)}")
        if self.checksum:
            self.checksum.update(piece)
        write_all(self.file, piece)

    def finish(self) -> None:
        """Verify what came in."""
        with self.blamed():
            if self.gunzip:
                self.gunzip.finish()
            if self.checksum:
                self.checksum.check()
            self.file.flush()

    @contextmanager
    def blamed(self) -> Iterator[None]:
        """Have every error say what it is about."""
        try:
            yield
        except OSError as error:
            why = (error.strerror or type(error).__name__).lower()
            raise ProvisionError(f"{self.name}: the content cannot be written: {why}") from None
        except ProvisionError as error:
            raise ProvisionError(f"{self.name}: {error}") from None


def take(pieces: Iterable[bytes], intake: Intake, length: int | None, progress: Progress | None = None) -> None:
    """Have an intake take all that there is."""
    intake.expect(length)
    packed = 0
    for piece in pieces:
        intake.feed(piece)
        packed += len(piece)
        if progress:
            progress(packed, length)
    intake.finish()


def write_all(file: Writable, data: bytes) -> None:
    """Write all of it. A file without a buffer may take less than it is given."""
    written = file.write(data)
    while written is not None and written < len(data):
        data = data[written:]
        written = file.write(data)


def rewind(file: Writable, start: int) -> None:
    """Take away what was written."""
    file.seek(start)
    file.truncate()


def unpacker(compression: str | None, limit: int | None) -> Gunzip | None:
    """What undoes a compression."""
    if not compression:
        return None
    if compression != "gzip":
        raise ProvisionError(f"the compression {compression[:20]!a} is unknown; gzip is known")
    return Gunzip(limit)
