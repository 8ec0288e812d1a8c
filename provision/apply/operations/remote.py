"""Writing files whose content is elsewhere: it comes in as a stream, straight into the file's place."""

from collections.abc import Iterator

from provision.apply.operations import Operation, Reader, System, attributes
from provision.apply.paths import shown
from provision.apply.sources import shown_url
from provision.contents import is_remote, sha512
from provision.ignition import FileContents
from provision.record import field
from provision.typed import Any, BinaryIO


class WriteRemote(Operation):
    """Fetch the pieces of a file and write it: it appears, whole and verified, in one rename. Planned only if needed."""

    path: str = field(doc="True path in the root.")
    pieces: tuple[FileContents, ...] = field(default=(), secret=True, doc="What it is made of, in order.")
    mode: int = field(doc="Permission bits, 0 to 0o7777.")
    owner: str = field(default="", doc="As in WriteFile.")
    keeps: bool = field(default=False, doc="Whether the pieces are added to the file that is there.")

    @property
    def lanes(self) -> tuple[str, ...]:
        return (self.path,)

    def describe(self) -> str:
        act = "append to" if self.keeps else "write"
        sources = ", ".join(self.sources())
        return f"{act} {shown(self.path)}: from {sources}, {attributes(self.mode, self.owner)}"

    def sources(self) -> Iterator[str]:
        """Where the content comes from, as people may know it."""
        for piece in self.pieces:
            if is_remote(piece):
                function, _, value = (piece.verification.hash or "").partition("-")
                yield shown_url(piece.source or "") + (f" ({function} {shown(value[:12])})" if value else "")

    def done(self, reader: Reader) -> bool:
        return False

    def execute(self, system: System) -> None:
        def fill(file: BinaryIO) -> None:
            for piece in self.pieces:
                system.fetch_into(piece, file)

        system.stream(self.path, fill, self.mode, self.owner, keeps=self.keeps)

    def note(self, system: System) -> dict[str, Any]:
        """Of a file that is added to: what it held before."""
        return {"sha512": sha512(system.read(self.path))} if self.keeps else {}

    def recover(self, system: System, note: dict[str, Any]) -> bool:
        # It appears in one rename: another content is the one with the pieces.
        return self.keeps and sha512(system.read(self.path)) != note["sha512"]
