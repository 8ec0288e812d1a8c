"""What Ignition 2 asks of users, sources and networkd, and the rules of Ignition 3, which see what became of them, do not.

Source: Ignition 0.35, `config/v2_0/types` to `config/v2_4/types`, each with its version's checks.
"""

from collections.abc import Iterator

from provision.record import Record, Spec
from provision.schema.ignition2 import FileContents, Mount, NetworkdDropin, NetworkdUnit, Reference, User, Verification
from provision.schema.rules import Finding, load, rule
from provision.schema.rules.ignition import HASHES
from provision.schema.rules.systemd import extension
from provision.schema.rules.units import read
from provision.schema.rules.urls import parse
from provision.transpile.ignition2.accounts import CREATED

load()  # a code that is shared has its manual there

NETWORK_TYPES = ("network", "netdev", "link")
NEW_SCHEMES = ("tftp", "s3")


# ---- what is fetched -----------------------------------------------------------------------------------------------


@rule("PV805", "error", on=Verification)
def old_hash_is_sha512(verification: Verification) -> Iterator[Finding]:
    """A hash of Ignition 2 is `sha512-` with 128 hex digits; other faults of it the rules of Ignition 3 see."""
    function, _, digits = (verification.hash or "").partition("-")
    if function == "sha256" and len(digits) == HASHES[function][0]:
        yield Finding("hash", "sha256 needs Ignition 3.1.0, this config is for Ignition 2", "write sha512-DIGITS")


@rule("PV801", "error", on=FileContents)
@rule("PV801", "error", on=Reference)
def old_source_can_be_fetched(fetched: FileContents | Reference, at: Spec) -> Iterator[Finding]:
    """The oldest version knows neither tftp: nor s3:; other faults of a source the rules of Ignition 3 see."""
    try:
        url = parse(fetched.source)
    except ValueError:
        return  # the rules of Ignition 3 say why
    if url.scheme in NEW_SCHEMES and at < (2, 1):
        yield Finding(
            "source", f"{url.scheme}: URLs need Ignition 2.1.0, this config is for 2.0.0", "raise the version"
        )


# ---- users ---------------------------------------------------------------------------------------------------------


def said_twice(user: User) -> list[str]:
    """What a user says beside `create`."""
    if user.create is None:
        return []
    return [name for name in CREATED if is_said(user, name)]


def is_said(record: Record, name: str) -> bool:
    """Whether a field is set as Ignition 2 sees it: a number if it is there, anything else if it is not empty."""
    value = getattr(record, name)
    return value is not None if record.rows[name].nullable else bool(value)


@rule("PV360", "error", on=User)
def user_is_described_once(user: User) -> Iterator[Finding]:
    """What `create` says is not said beside it again.

    Version 2.1 gave users and file systems keys of their own for it. Source: Ignition 2.1.0, `passwd.users[].create`
    and `storage.filesystems[].mount.create`.

    Bad:
      {
        "ignition": {"version": "2.3.0"},
        "passwd": {"users": [{"name": "core", "uid": 1000, "create": {"uid": 1000}}]}
      }

    Good:
      {
        "ignition": {"version": "2.3.0"},
        "passwd": {"users": [{"name": "core", "uid": 1000}]}
      }
    """
    for name in said_twice(user):
        message = f"{user.rows[name].key} stands beside create, which replaces it"
        yield Finding(name, message, "take create away, and write its keys here")


@rule("PV361", "warning", on=User, since="2.1")
def user_is_made_without_create(user: User) -> Iterator[Finding]:
    """A user or a file system says itself how it is made, not in `create`.

    A user and a file system have the same keys; `force` is called `wipeFilesystem`. In version 2.0 `create` was the only
    way. Source: Ignition 2.1.0, `passwd.users[].create` and `storage.filesystems[].mount.create`.

    Bad:
      {
        "ignition": {"version": "2.3.0"},
        "passwd": {"users": [{"name": "core", "create": {"uid": 1000}}]}
      }

    Good:
      {
        "ignition": {"version": "2.3.0"},
        "passwd": {"users": [{"name": "core", "uid": 1000}]}
      }
    """
    if user.create is not None and not said_twice(user):
        yield Finding("create", "create is the spelling of version 2.0", "write its keys beside it instead")


# ---- file systems, in the old spelling ------------------------------------------------------------------------------


@rule("PV360", "error", on=Mount)
def made_filesystem_is_described_once(mount: Mount) -> Iterator[Finding]:
    """What `create` says of a file system is not said beside it again."""
    for name in ("wipe_filesystem", "options"):
        if mount.create is not None and getattr(mount, name):
            message = f"{mount.rows[name].key} stands beside create, which says the same"
            yield Finding(name, message, "take create away: its force is called wipeFilesystem")


@rule("PV361", "warning", on=Mount, since="2.1")
def filesystem_is_made_without_create(mount: Mount) -> Iterator[Finding]:
    """A file system says itself how it is made."""
    if mount.create is not None and not mount.wipe_filesystem and not mount.options:
        hint = "move its options beside it, and write wipeFilesystem instead of force"
        yield Finding("create", "create is the spelling of version 2.0", hint)


# ---- networkd ------------------------------------------------------------------------------------------------------


@rule("PV369", "error", on=NetworkdUnit)
def network_file_has_a_type(unit: NetworkdUnit) -> Iterator[Finding]:
    """The name of networkd's file ends in .network, .netdev or .link.

    Source: systemd.network(5); Ignition 2.0.0, `networkd.units[].name`.

    Bad:
      {
        "ignition": {"version": "2.3.0"},
        "networkd": {"units": [{"name": "static", "contents": "[Match]\\nName=eth0\\n"}]}
      }

    Good:
      {
        "ignition": {"version": "2.3.0"},
        "networkd": {"units": [{"name": "static.network", "contents": "[Match]\\nName=eth0\\n"}]}
      }
    """
    if extension(unit.name) not in NETWORK_TYPES:
        message = f"`{unit.name}` does not end in a type of networkd's files"
        yield Finding("name", message, "end it in .network, .netdev or .link")


@rule("PV505", "error", on=NetworkdDropin)
def network_dropin_ends_in_conf(dropin: NetworkdDropin) -> Iterator[Finding]:
    """The name of a drop-in ends in .conf here, too."""
    if extension(dropin.name) != "conf":
        yield Finding("name", f"`{dropin.name}` does not end in .conf", "networkd reads only *.conf")


@rule("PV502", "error", on=NetworkdUnit)
@rule("PV502", "error", on=NetworkdDropin)
def network_text_can_be_read(unit: NetworkdUnit | NetworkdDropin) -> Iterator[Finding]:
    """The text of networkd's file or drop-in is one that systemd can read."""
    fault = read(unit.contents).fault if unit.contents else None
    if fault:
        yield Finding("contents", fault, "see systemd.syntax(7)")
