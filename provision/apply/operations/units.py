"""Acts on systemd units that are more than writing a file. systemd itself is never asked: it may not run yet."""

from collections.abc import Mapping

from provision.apply.operations import Operation, Reader, System
from provision.apply.operations.nodes import MakeLink, Remove
from provision.apply.paths import shown
from provision.record import field


class MaskUnit(MakeLink):
    """Link a unit to /dev/null, so that nothing can start it."""

    def describe(self) -> str:
        return f"mask {shown(self.path)}"


class UnmaskUnit(Remove):
    """Take away a unit's link to /dev/null."""

    def describe(self) -> str:
        return f"unmask {shown(self.path)}"


class AppendPresets(Operation):
    """Add lines to a preset file, those that it does not have yet."""

    path: str = field(doc="True path in the root.")
    owner: str = field(default="", doc="As in WriteFile; the file's own, so that it stays.")
    lines: tuple[str, ...] = field(default=(), doc="Directives, without line feeds.")

    def describe(self) -> str:
        return f"preset {shown(self.path)}: {'; '.join(map(shown, self.lines))}"

    def done(self, reader: Reader) -> bool:
        return reader.look(self.path).kind == "file" and not self.missing(reader.read(self.path))

    def execute(self, system: System) -> None:
        found = system.look(self.path)
        old = system.read(self.path) if found.kind == "file" else b""
        mode = 0o644 if found.mode is None else found.mode
        system.replace(self.path, self.content(old, {}), mode, self.owner)

    def missing(self, old: bytes) -> list[str]:
        """The lines that a preset file of this content does not have."""
        present = set(old.decode(errors="replace").split("\n"))
        return [line for line in self.lines if line not in present]

    def rewrites(self) -> str:
        return self.path

    def content(self, old: bytes, blobs: Mapping[str, bytes]) -> bytes:
        gap = b"\n" if old and not old.endswith(b"\n") else b""
        return old + gap + "".join(f"{line}\n" for line in self.missing(old)).encode()
