"""The console itself, with the other side of the line played by the test."""

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from firstboot_console import Console
from vm_guest import GuestError, StalledError

SAYS_STALLED = b"[  242.839246] INFO: task dmcrypt_write/2:530 blocked for more than 120 seconds.\r\n"


@contextmanager
def saying(folder: Path, *pieces: bytes) -> Iterator[Console]:
    """A console on whose line these pieces came."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "line"))
        listener.listen()
        console = Console(folder / "line", folder / "log", limit_s=5)
        machine, _ = listener.accept()
    with machine, closing(console):
        for piece in pieces:
            machine.sendall(piece)
        machine.shutdown(socket.SHUT_WR)
        yield console


def test_words_are_found_across_pieces_and_colours(tmp_path: Path) -> None:
    with saying(tmp_path, b"debian log", b"in\x1b[0m: \r\nlo", b"gin: ") as console:
        console.expect(r"login: $", 5)


def test_a_machine_that_goes_off_is_no_stalled_one(tmp_path: Path) -> None:
    gone = pytest.raises(GuestError, match="the machine went off while waiting for 'login: '")
    with saying(tmp_path, b"reboot: Power down\r\n") as console, gone as caught:
        console.expect("login: ", 5)
    assert type(caught.value) is GuestError


def test_a_kernel_that_waits_for_a_disk_is_told_from_a_story_that_fails(tmp_path: Path) -> None:
    stalled = pytest.raises(StalledError, match="a disk does not answer while waiting for 'login: '")
    with saying(tmp_path, b"deploy: copies the system\r\n", SAYS_STALLED[:30], SAYS_STALLED[30:]) as console, stalled:
        console.expect("login: ", 5)
