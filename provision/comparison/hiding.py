"""What of a config is never shown: secrets, and the contents of what not everybody may read."""

import hashlib
import re
from posixpath import dirname

from provision.comparison.changes import HIDDEN
from provision.ignition import Config, File
from provision.schema.machine.secrets import NO_SECRET, NO_VALUE, PRIVATE_KEY, READABLE_BY_ALL, may_hold_secret

NEW_FILE_MODE = 0o644
ENTERED_BY_ALL = 0o001
# Password hashes. Source: crypt(5); GRUB's `grub-mkpasswd-pbkdf2`.
PASSWORD_HASH = re.compile(
    r"\$(?:1|2[abxy]?|3|5|6|7|8|md5|sha1|y|gy|argon2\w*|scrypt|pbkdf2[\w-]*)\$\S+|grub\.pbkdf2\.\S+"
)
CREDENTIALS = re.compile(r"(?<=://)[^/\s@\"']+@")
# What follows a name of the kind, to the line's end. Wider than the rule of secrets that all can read: that one must not
# warn for nothing, here a value too much is hidden at worst.
SECRET = re.compile(
    r"""(?<![\w.-])(?P<name>[\w.-]{0,99}(?:PASS(?:WORD|WD|PHRASE)|SECRET|TOKEN|CREDENTIAL|(?:API|ACCESS|PRIVATE|SIGNING)[_-]?KEY)[\w.-]{0,99})
    (?P<between>["']?[ \t]*[=:][ \t]*|[ \t]+)["']?
    (?P<value>\S.*)""",
    re.X | re.I,
)
KEYWORD = re.compile("pass|credential|key", re.I)
# A value that stands elsewhere: a variable, a specifier, a placeholder.
REFERENCE = re.compile(r"""(?:\$\{?\w+\}?|%\w|\{\{.*\}\}|<[\w -]+>)["']?\s*\Z""")
MAX_VALUE = 200


def masked(line: str) -> str:
    """A line without the secrets that are in it: password hashes, credentials of URLs, and what follows `PASSWORD=`."""
    if "$" in line or "pbkdf2" in line:
        line = PASSWORD_HASH.sub(HIDDEN, line)
    if "://" in line and "@" in line:
        line = CREDENTIALS.sub(f"{HIDDEN}@", line)
    if may_hold_secret(line) or KEYWORD.search(line):
        at = 0
        while found := SECRET.search(line, at):
            if is_secret(found):
                return line[: found.start("value")] + HIDDEN
            at = found.start("value")
    return line


def is_secret(found: re.Match[str]) -> bool:
    """Whether a name with a value is one of a secret; without a sign between them, an option of a command is."""
    if found["between"].isspace() and not found["name"].startswith("--"):
        return False
    value = found["value"].strip()
    return not (
        NO_SECRET.search(found["name"]) or NO_VALUE.match(value) or REFERENCE.match(value) or value[:1] == HIDDEN
    )


def shortened(value: str) -> str:
    """A value that fits a line; of a long one its hash tells whether two are the same."""
    if len(value) <= MAX_VALUE:
        return value
    return (
        f"{value[: MAX_VALUE // 2]}… ({len(value)} characters, sha256 {short_hash(value.encode('utf-8', 'replace'))})"
    )


def short_hash(data: bytes) -> str:
    """Enough of a hash to tell contents apart."""
    return hashlib.sha256(data).hexdigest()[:12]


def holds_key(data: bytes | None) -> bool:
    """Whether bytes hold a private key."""
    return data is not None and b"PRIVATE KEY" in data and bool(PRIVATE_KEY.search(data.decode("latin-1")))


class Secrecy:
    """Which files of a config not everybody can read: by their mode, or by that of a directory on the way."""

    def __init__(self, config: Config) -> None:
        self.closed = {
            each.path.rstrip("/") for each in config.storage.directories
            if each.mode is not None and not each.mode & ENTERED_BY_ALL
        }  # fmt: skip

    def hides(self, file: File) -> bool:
        """Whether the content of a file is not for everybody."""
        mode = NEW_FILE_MODE if file.mode is None else file.mode
        if not mode & READABLE_BY_ALL or file.path.startswith("/root/"):
            return True
        folder = dirname(file.path)
        while self.closed and folder not in ("", "/"):
            if folder in self.closed:
                return True
            folder = dirname(folder)
        return False
