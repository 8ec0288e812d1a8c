"""A machine whose devices, mounts and run-time files lie in a folder: file systems are folders, `mount` makes links."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from provision.apply import log
from provision.apply.first_boot import consoles, network, run_file, stamp, target


class FakeMachine:
    """File systems by their devices; `is_broken` are those that cannot be mounted, `log` what was done with them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.filesystems: dict[str, Path] = {}
        self.broken: set[str] = set()
        self.log: list[str] = []

    def add(self, device: str) -> Path:
        """A file system."""
        path = self.folder / "filesystems" / device.replace("/", "_")
        path.mkdir(parents=True)
        self.filesystems[device] = path
        return path

    @contextmanager
    def mounted(self, device: str, *, options: str = "", for_writing: bool = False) -> Iterator[str | None]:
        """In the place of `target.mounted`."""
        if device in self.broken:
            yield None
            return
        self.log.append(f"{'rw' if for_writing else 'ro'}{',' * bool(options)}{options} {device}")
        yield str(self.filesystems[device])

    def exists(self, device: str) -> bool:
        """In the place of `is_block_device`."""
        return device in self.filesystems


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeMachine:
    made = FakeMachine(tmp_path)
    monkeypatch.setattr(log.State, "sink", log.State.sink)
    command_line = tmp_path / "cmdline"
    command_line.write_text("")
    monkeypatch.setenv("IGNITION_KERNEL_CMDLINE_PATH", str(command_line))
    for module, name, value in (
        (run_file, "FOLDER", f"{tmp_path}/run"),
        (run_file, "FILE", f"{tmp_path}/run/first-boot"),
        (consoles, "BLOCK_FILE", f"{tmp_path}/run/failure-block"),
        (consoles, "FAILURE_FILE", f"{tmp_path}/failure.json"),
        (network, "FILE", f"{tmp_path}/run/network"),
        (target, "mounted", made.mounted),
        (target, "is_block_device", made.exists),
        (stamp, "mounted", made.mounted),
        (stamp, "is_block_device", made.exists),
        (stamp, "device_number", lambda device: sorted(made.filesystems).index(device)),
    ):
        monkeypatch.setattr(module, name, value)
    return made


def asked(machine: FakeMachine, text: str) -> None:
    """Set the kernel command line."""
    (machine.folder / "cmdline").write_text(text + "\n")
