"""Structured messages in the system's journal, by which a distribution tells people at login how the machine was set up.

Source: systemd, `docs/JOURNAL_NATIVE_PROTOCOL.md`; the ids and fields are Ignition's.
"""

import os

from provision.apply import log

SOCKET = "/run/systemd/journal/socket"
CONFIG_FETCHED = "57124006b5c94805b77ce473e92a8aeb"
KEYS_WRITTEN = "225067b87bbd4a0cb6ab151f82fa364b"


def tell_config(kind: str, source: str, *, referenced: bool) -> None:
    """A config was read: `kind` is base or user."""
    send(
        f'fetched {"referenced " * referenced}{kind} config from "{source}"',
        MESSAGE_ID=CONFIG_FETCHED, IGNITION_CONFIG_TYPE=kind, IGNITION_CONFIG_SRC=source,
        IGNITION_CONFIG_REFERENCED="true" if referenced else "false",
    )  # fmt: skip


def tell_keys(user: str, path: str) -> None:
    """A user's authorized keys were written."""
    send(
        f"wrote ssh authorized keys file for user: {user}",
        MESSAGE_ID=KEYS_WRITTEN, IGNITION_USER_NAME=user, IGNITION_PATH=path,
    )  # fmt: skip


def send(message: str, **fields: str) -> None:
    """Send a message, if there is a journal. That nobody listens is no failure."""
    if not os.path.exists(SOCKET):
        return
    import socket

    rows = {"MESSAGE": message, "PRIORITY": str(log.INFO), "SYSLOG_IDENTIFIER": log.TAG, **fields}
    packet = b"".join(entry(name, value.encode(errors="surrogateescape")) for name, value in rows.items())
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        try:
            journal.sendto(packet, SOCKET)
        except OSError as error:
            log.debug(f"the journal was not told: {error.strerror}")


def entry(name: str, value: bytes) -> bytes:
    """One field; a value of several lines goes with its length."""
    if b"\n" not in value:
        return b"%s=%s\n" % (name.encode(), value)
    return b"%s\n%s%s\n" % (name.encode(), len(value).to_bytes(8, "little"), value)
