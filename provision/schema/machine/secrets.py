"""Secrets in places that everybody on the machine can read. No message quotes one."""

import re
from collections.abc import Iterable, Iterator

from provision.ignition import Dropin, File, Unit
from provision.schema.machine.file_text import text_of
from provision.schema.machine.texts import text_of as unit_text
from provision.schema.rules import Finding, rule

READABLE_BY_ALL = 0o004
# Names of variables and keys that hold a secret, with a value that is one: no path, variable, placeholder or number.
SECRET = re.compile(
    r"""(?<![\w.-])(?:-e[ =]|--env[ =])?["']?
    (?P<name>[A-Za-z0-9_.-]*?(?:PASSWORD|PASSWD|SECRET(?:_?(?:ACCESS)?_?KEY)?|API_?KEY|AUTH_?TOKEN|ACCESS_?TOKEN|SESSION_?TOKEN|PRIVATE_?KEY)(?:_[A-Z0-9]+)?)
    ["']?[ \t]*(?:=|:[ \t])[ \t]*["']?
    (?P<value>[^\s"'$<{%/*,;\\][^\s"',;]{5,})""",
    re.X | re.I,
)
PRIVATE_KEY = re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----")
# What any of these has in it, also in percent-encoding: most texts need not be looked at more closely.
HINTS = ("passw", "secret", "token", "apikey", "api_key", "private")
# What such names also stand for, and what stands in the place of a value.
NO_SECRET = re.compile(
    r"^secret$|_?(?:FILE|PATH|URL|DIR|NAME|LENGTH|AUTHENTICATION|AUTH|AGE|ENABLED?|POLICY|ID)$", re.I
)
NO_VALUE = re.compile(
    r"(?:true|false|yes|no|none|null|required|optional|prohibit-password|without-password|x{3,}|\.{3,}|\[.*|your.*|change.*|example.*|secret|password)$",
    re.I,
)


@rule("PV552", "warning", on=Unit)
def secrets_are_not_for_all(unit: Unit) -> Iterator[Finding]:
    """Passwords, tokens and private keys do not stand where every user of the machine can read them.

    Units and drop-ins are readable by all, and so is a file without a mode, or with one that lets others read. Write
    secrets to a file of the mode 0600, and let a unit read it with `EnvironmentFile=` or `LoadCredential=`.
    Source: systemd.exec(5), "Environment=", which says that settings of units are visible to all.

    Bad:
      storage:
        files:
          - path: /etc/app.env
            mode: 0644
            contents:
              inline: |
                DB_PASSWORD=correct-horse

    Good:
      storage:
        files:
          - path: /etc/app.env
            mode: 0600
            contents:
              inline: |
                DB_PASSWORD=correct-horse
    """
    yield from found_in(unit_text(unit), "contents")


@rule("PV552", "warning", on=Dropin)
def dropin_has_no_secret(dropin: Dropin) -> Iterator[Finding]:
    """Drop-ins are readable by all."""
    yield from found_in(dropin.contents, "contents", dropin.spots if dropin.made else ())


@rule("PV552", "warning", on=File)
def file_has_no_secret(file: File) -> Iterator[Finding]:
    """A file is readable by all unless its mode says otherwise."""
    mode = 0o644 if file.mode is None else file.mode
    if not mode & READABLE_BY_ALL or file.path.startswith(("/root/", "/etc/provision/templates/")):
        return
    source, contents = file.contents.source or "", file.contents
    if contents.compression or ";base64," in source[:80] or may_hold_secret(source):
        for finding in found_in(text_of(file), "source"):
            yield finding._replace(on=contents)


def may_hold_secret(text: str) -> bool:
    """Whether a closer look at a text may find anything."""
    lower = text.lower()
    return any(hint in lower for hint in HINTS)


def found_in(text: str | None, field: str, spots: Iterable[str] = ()) -> Iterator[Finding]:
    """The secrets in a text, each named once."""
    if not text or not may_hold_secret(text):
        return
    hint = "write it to a file with the mode 0600, and read it from there"
    key = PRIVATE_KEY.search(text)
    if key:
        line = text.count("\n", 0, key.start()) + 1
        yield Finding(field, "a private key stands where every user can read it", hint, line=line)
    named: set[str] = set()
    for line, found in assignments(text):
        name = found["name"]
        if name in named or NO_SECRET.search(name) or NO_VALUE.match(found["value"]):
            continue
        named.add(name)
        message = f"{name} is a secret, and stands where every user can read it"
        own = spot_of(name, spots)
        yield Finding(own, message, hint) if own else Finding(field, message, hint, line=line)


def assignments(text: str) -> Iterator[tuple[int, re.Match[str]]]:
    """What looks like a secret in lines that are no comments, each with the number of its line."""
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.lstrip().startswith(("#", ";", "//")):
            yield from ((number, found) for found in SECRET.finditer(line))


def spot_of(name: str, spots: Iterable[str]) -> str | None:
    """The variable of a made text that a name in it stands for; a flag is called like the end of its variable."""
    variable = name.lstrip("-").replace("-", "_").upper()
    return next((spot for spot in spots if spot in (name, variable) or spot.endswith(f"_{variable}")), None)
