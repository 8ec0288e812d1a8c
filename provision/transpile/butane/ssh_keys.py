"""`ssh_authorized_keys_local`: public keys from files."""

from typing import Any

from provision.ignition import Config, User
from provision.record import transform
from provision.schema.dialects import extend
from provision.transpile.author import Author

extend(
    User, "ssh_authorized_keys_local", tuple[str, ...], since="3.4",
    doc="Files with public keys, one a line, below the files directory.",
)  # fmt: skip


def expand(config: Config, author: Author) -> Config:
    """Append the keys of all named files, in order, to the keys that stand in the document."""

    def read(user: Any) -> Any:
        return with_keys(user, author) if user.extras else user

    return config.changed(passwd=transform(config.passwd, {User: read}))


def with_keys(user: User, author: Author) -> User:
    """The user with the keys of the files; empty lines are no keys."""
    keys = list(user.ssh_authorized_keys)
    places = [author.place(user, "ssh_authorized_keys", i) for i in range(len(keys))]
    files: tuple[str, ...] = user.extra("ssh_authorized_keys_local") or ()
    if files and author.options.files_dir is None:
        author.host_path(files[0], user, "ssh_authorized_keys_local")
        return user.as_broken()
    for i, local in enumerate(files):
        data = author.read_local(local, user, "ssh_authorized_keys_local", i)
        text = (data or b"").decode("utf-8", "surrogateescape")
        lines = [line for line in text.replace("\r\n", "\n").split("\n") if line]
        keys += lines
        places += [author.place(user, "ssh_authorized_keys_local", i)] * len(lines)
    return user.changed(ssh_authorized_keys=tuple(keys)).spotted(ssh_authorized_keys=tuple(places))
