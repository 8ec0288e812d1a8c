"""What a dialect says of a fault in its own way: keys that another dialect or another place knows, values passed over."""

from provision.diagnostics import Diagnostic
from provision.record import Record, Row
from provision.record.rows import NEVER
from provision.schema.cloud_config import CloudConfig, CloudRecord, CoreOS, User
from provision.versions import Release

# What Canonical cloud-init has for users. Source: its module users_groups.
CANONICAL_USER = frozenset((
    "create_groups", "doas", "expiredate", "hashed_passwd", "inactive", "lock_passwd", "plain_text_passwd", "selinux_user",
    "snapuser", "ssh_import_id", "ssh_redirect_user", "sudo", "uid",
))  # fmt: skip
CANONICAL = "is a key of Canonical's cloud-init, which is another dialect"


def hint_for(release: Release, cls: type[Record], key: str) -> str | None:
    """Where an unknown key would be known; None where nobody knows it."""
    if release.dialect != "cloud-config" or not issubclass(cls, CloudRecord):
        return None
    if cls is User and key in CANONICAL_USER:
        return f"`{key}` {CANONICAL}"
    if cls is CoreOS and key in {row.snake for row in CloudConfig.rows.values()}:
        return f"`{key}` belongs to the top level of the document, not under coreos"
    if cls is not CloudConfig:
        return None
    from provision.schema.cloud_init.keys import CANONICAL_KEYS  # only an unknown key pays for it

    if key in CANONICAL_KEYS:
        return f"`{key}` {CANONICAL}; a document with `coreos:` is read by CoreOS's rules"
    return f"`{key}` belongs under coreos" if key in {row.snake for row in CoreOS.rows.values()} else None


def tolerated(found: Diagnostic, cls: type[Record], row: Row | None) -> Diagnostic:
    """A wrong type as a warning where the dialect's own reader passes over the value, and can do without it."""
    if row is None or row.required != NEVER or not cls.tolerant:
        return found
    return found._replace(severity="warning", message=f"{found.message}; it is passed over")
