"""Passwords: of users, `chpasswd`, `password`, `ssh_pwauth`. Source: cloud-init 25, module set_passwords."""

import re
from typing import NamedTuple

from provision.diagnostics import declare
from provision.ignition import User
from provision.passwords import password_hash
from provision.record import Record
from provision.schema.cloud_init.accounts import Chpasswd, UserEntry
from provision.transpile.cloud_init.build import Build, shell_word

declare(
    "PV731", "warning", "secret in clear text",
    """A password stands in the document as a hash.

    Whoever can read the document can read the password. It is hashed on the way, with a salt that follows from the name
    and the password, so that the output stays the same; what a service needs in clear text stays so.

    Bad:
        #cloud-config
        timezone: UTC
        chpasswd:
          expire: false
          users:
            - {name: core, password: correct horse, type: text}

    Good:
        #cloud-config
        timezone: UTC
        chpasswd:
          expire: false
          users:
            - {name: core, password: $6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/jctKu9YterLp8wwnSq.qc.eoxqOmSuNp2xS0ktL3nh/}
    """,
)  # fmt: skip

declare(
    "PV730", "warning", "locked password",
    """A user with a password may log in by it.

    `lock_passwd` is true where it is not written, and a locked account refuses every password. Source: cloud-init 25,
    module users_groups.

    Bad:
        #cloud-config
        timezone: UTC
        users:
          - name: ada
            passwd: $6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/jctKu9YterLp8wwnSq.qc.eoxqOmSuNp2xS0ktL3nh/

    Good:
        #cloud-config
        timezone: UTC
        users:
          - name: ada
            lock_passwd: false
            passwd: $6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/jctKu9YterLp8wwnSq.qc.eoxqOmSuNp2xS0ktL3nh/
    """,
)  # fmt: skip

HASH = re.compile(r"\$(?:1|2[abxy]?|5|6|7|y|gy|sha1|md5)\$[^:\s]+|[!*]+[^:\s]*|[./0-9A-Za-z]{13}")
# What `chpasswd.list` takes for a hash. Source: module set_passwords.
LISTED_HASH = re.compile(r"\$(?:1|2a|2y|5|6|y)(?:\$.+){2}")
RANDOM = ("R", "RANDOM")
LONGEST = 511  # Source: libxcrypt, CRYPT_MAX_PASSPHRASE_SIZE
FIELDS = ("hashed_passwd", "plain_text_passwd", "passwd")  # what counts first
# sshd takes the first value that it finds, and Fedora CoreOS has a file 40-disable-passwords.conf.
SSH_CONFIG = "/etc/ssh/sshd_config.d/20-cloud-init.conf"


class Password(NamedTuple):
    """A password to set, with its place: a field of a record, and an element of it."""

    name: str
    text: str
    kind: str
    record: Record
    field: str
    item: int | None = None


def hashed(entry: UserEntry, build: Build) -> str | None:
    """The hash that an account gets; None where it has no password or may not use it."""
    field = password_field(entry)
    if field is None:
        return None
    kind = "text" if field == "plain_text_passwd" else "hash"
    found = hash_of(Password(entry.name, getattr(entry, field), kind, entry, field), build)
    if entry.lock_passwd is not False:
        said = f"{entry.name} has a password and may not use it: `lock_passwd` is true"
        hint = None if entry.lock_passwd else "it is so by default; write `lock_passwd: false`"
        build.author.complain("PV730", "warning", entry, field, said, hint)
        build.author.fate(entry, field, "lost", "the account is locked")
        return None
    return found


def password_field(entry: UserEntry) -> str | None:
    """The field that an account's password is taken from."""
    return next((name for name in FIELDS if getattr(entry, name)), None)


def hash_of(password: Password, build: Build) -> str | None:
    """A password as a hash; None, and an error, where it can't be one."""
    name, text, kind, record, field, item = password
    author = build.author
    if kind == "text":
        author.complain(
            "PV731", "warning", record, field, f"the password of {name} stands here in clear text", HINT, item
        )
        if len(text.encode("utf-8", "surrogateescape")) > LONGEST or "\0" in text:
            author.complain("PV728", "error", record, field, f"a password has at most {LONGEST} bytes", item=item)
            return None
        author.fate(record, field, "exact", "hashed when compiled")
        return password_hash(text, name)
    if HASH.fullmatch(text):
        return text
    said = f"what stands for the password of {name} is no hash of crypt(3)"
    author.complain("PV728", "error", record, field, said, HINT, item)
    return None


HINT = "`mkpasswd --method=sha512crypt` or `openssl passwd -6` makes a hash"


def passwords(build: Build) -> None:
    """The passwords that are set behind the accounts, and what sshd takes."""
    wanted = listed(build.root.chpasswd, build) if build.root.chpasswd else []
    if build.root.password:
        wanted = wanted or default_password(build)
        passed_over(wanted, build)
    done = [password for password in wanted if set_password(password, build)]
    section = build.root.chpasswd
    if done and (section is None or section.expire is not False):
        expire(list(dict.fromkeys(password.name for password in done)), build, section or build.root)
    ssh_passwords(build)


def listed(section: Chpasswd, build: Build) -> list[Password]:
    """What `chpasswd` asks for."""
    found = []
    for entry in section.users:
        if entry.type == "RANDOM":
            refuse_random(entry.name, build, entry, "type")
        elif entry.type not in (None, "hash", "text"):
            said = f"`type` is hash, text or RANDOM, not {entry.type}"
            build.author.complain("PV728", "error", entry, "type", said)
        elif entry.password is None:
            build.author.complain(
                "PV103", "error", entry, None, "an element of `users` needs `password`: the password or its hash"
            )
        else:
            found.append(Password(entry.name, entry.password, entry.type or "hash", entry, "password"))
    lines = [(item, line) for item, text in enumerate(section.list) for line in text.splitlines() if line.strip()]
    if lines:
        build.author.complain("PV727", "info", section, "list", "`list` is the old form of `users`", "write `users`")
    for item, line in lines:
        name, colon, text = line.partition(":")
        if not colon:
            build.author.complain("PV728", "error", section, "list", "a line is `name:password`", item=item)
        elif text in RANDOM:
            refuse_random(name, build, section, "list", item)
        else:
            is_hash = LISTED_HASH.match(text) and ":" not in text
            found.append(Password(name, text, "hash" if is_hash else "text", section, "list", item))
    return found


def refuse_random(name: str, build: Build, record: Record, field: str, item: int | None = None) -> None:
    """A password that cloud-init would make up and print."""
    said = f"the password of {name} would be made up on the machine and printed to its log"
    build.author.complain("PV732", "error", record, field, said, HINT, item)


def default_password(build: Build) -> list[Password]:
    """`password`: the default user's."""
    text = build.root.password or ""
    if build.default_user is None:
        said = "`password` is the default user's, and `users` has no `default`"
        build.author.complain("PV745", "warning", build.root, "password", said, "add `default` to `users`")
        return []
    kind = "hash" if LISTED_HASH.match(text) and ":" not in text else "text"
    return [Password(build.default_user, text, kind, build.root, "password")]


def passed_over(wanted: list[Password], build: Build) -> None:
    """Note a `password` that is not among those that are set."""
    if any(password.field == "password" and password.record is build.root for password in wanted):
        return
    build.author.fate(build.root, "password", "lost", "nobody gets it")
    if wanted:
        said = "`password` is passed over where `chpasswd` sets passwords"
        build.author.complain("PV734", "warning", build.root, "password", said, "drop one of the two")


def set_password(password: Password, build: Build) -> bool:
    """Give an account its password; it may be one that the image has."""
    found = hash_of(password, build)
    if found is None:
        return False
    place = build.author.place(password.record, password.field, password.item)
    user = build.users.get(password.name) or User(name=password.name).at(place)
    build.users[password.name] = user.changed(password_hash=found).spotted(password_hash=place)
    return True


def expire(names: list[str], build: Build, record: Record) -> None:
    """Have passwords changed at the first login."""
    script = "#!/bin/sh\n" + "".join(f"chage -d 0 {shell_word(name)}\n" for name in names)
    build.step("passwords", script, build.author.place(record, "expire"), when="settings")
    build.author.fate(record, "expire", "unit", "by cloud-init-passwords.service")


def ssh_passwords(build: Build) -> None:
    """`ssh_pwauth`: whether sshd takes passwords."""
    value = (build.root.ssh_pwauth or "unchanged").lower()
    words = {"true": "yes", "yes": "yes", "on": "yes", "1": "yes", "false": "no", "no": "no", "off": "no", "0": "no"}
    if value in words:
        place = build.author.place(build.root, "ssh_pwauth")
        build.append(SSH_CONFIG, f"PasswordAuthentication {words[value]}\n", 0o600, place)
    elif value != "unchanged":
        said = f"`ssh_pwauth` is true, false or unchanged, not {build.root.ssh_pwauth}"
        build.author.complain("PV728", "error", build.root, "ssh_pwauth", said)
