"""Rules of what lets a person in: public keys and password hashes."""

import base64
import re
from collections.abc import Iterator

from provision.ignition import User
from provision.schema.rules import Finding, rule

# Source: OpenSSH 9.9, sshd(8), "AUTHORIZED_KEYS FILE FORMAT".
KEY_TYPES = (
    "ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com", "ssh-dss",
)  # fmt: skip
CERTIFICATE = "-cert-v01@openssh.com"
OLD_TYPES = {"ssh-dss": "OpenSSH takes no DSA keys since 7.0"}
# A key's type and body, behind options, which may have blanks between quotes.
PARTS = re.compile(
    r'(?:(?!ssh-|ecdsa-|sk-)(?:"(?:\\"|[^"])*+"|[^\s"])++[ \t]+)?(?P<type>\S+)(?:[ \t]+(?P<body>\S+))?.*'
)
ODD = re.compile(r"[^\x20-\x7e\t]")
# The shortest real key has 68 characters. What is much shorter stands for a key, in an example or a template.
PLACEHOLDER = 40


@rule("PV411", "warning", on=User)
def ssh_key_lets_someone_in(user: User) -> Iterator[Finding]:
    """An ssh key is one line with a known type and a body in base64 that names the same type.

    sshd passes over other lines without a word, so that nobody can log in. Keys break when they are copied: a line break,
    a blank or an ellipsis in the middle, the private key in place of the public one. Short placeholders are let pass.
    Source: sshd(8), "AUTHORIZED_KEYS FILE FORMAT"; RFC 4253, 6.6.

    Bad:
        passwd:
          users:
            - name: core
              ssh_authorized_keys:
                - ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIK3W8o16uz7pEGOFYSqHWTv5UeAut561OirEToaMIP7A alice

    Good:
        passwd:
          users:
            - name: core
              ssh_authorized_keys:
                - ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK3W8o16uz7pEGOFYSqHWTv5UeAut561OirEToaMIP7A alice
    """
    for i, key in enumerate(user.ssh_authorized_keys):
        found = fault_of(key.strip())
        if found:
            yield Finding("ssh_authorized_keys", *found, item=i)


def fault_of(key: str) -> tuple[str, str] | None:
    """What is wrong with a key, and the remedy."""
    if not key or key.startswith("#"):
        return None
    if "PRIVATE KEY" in key:
        return (
            "this is a private key; the public one belongs here",
            "take the line of the .pub file, and replace the key",
        )
    if re.match(rf"AAAA\S{{{PLACEHOLDER},}}", key):
        return "the ssh key has no type in front", "copy the whole line of the .pub file"
    found = PARTS.match(key)
    kind, body = (found["type"], found["body"] or "") if found else ("", "")
    odd = ODD.search(f"{kind} {body}" if "\n" not in key else key)
    if odd:
        return odd_character(odd[0]), "copy the key again, as one line"
    if len(body) < PLACEHOLDER:
        return None
    plain = kind.replace(CERTIFICATE, "@openssh.com" if kind.startswith("sk-") else "")
    if plain not in KEY_TYPES:
        return f"`{kind}` is no type of ssh keys", f"known are {', '.join(KEY_TYPES[:-1])}"
    if kind in OLD_TYPES:
        return OLD_TYPES[kind], "make an ed25519 key"
    return fault_of_body(kind, body)


def odd_character(char: str) -> str:
    """How a key has a character that it can't have."""
    if char in "\r\n":
        return "the ssh key has a line break in it"
    return f"the ssh key has U+{ord(char):04X} in it, which is no base64"


def fault_of_body(kind: str, body: str) -> tuple[str, str] | None:
    """What is wrong with a key's body."""
    try:
        data = base64.b64decode(body, validate=True)
    except ValueError:
        return "the body of the ssh key is no base64; a part is missing or changed", "copy the key again, as one line"
    size = int.from_bytes(data[:4], "big")
    named = data[4 : 4 + size].decode("latin-1")
    if named != kind:
        what = f"a key of the type {named}" if named in KEY_TYPES else "no ssh key"
        return f"the ssh key says {kind}, and its body is {what}", "copy the key again, as one line"
    at = 0
    while at < len(data):
        at += 4 + int.from_bytes(data[at : at + 4], "big")
    if at != len(data):
        return "the ssh key is cut off", "copy the key again, as one line"
    return None


# What crypt(3) writes, by its prefix; and whether it is too weak for today.
CRYPT = re.compile(r"\$(?P<id>[a-z0-9]+)\$.+|[./0-9A-Za-z]{13}|_[./0-9A-Za-z]{19}|[!*]+.*|x")
KNOWN_IDS = frozenset(("1", "2a", "2b", "2x", "2y", "3", "5", "6", "7", "y", "gy", "sha1", "md5"))
WEAK = {"1": "MD5", "3": "NT", "md5": "MD5", "sha1": "SHA-1"}


@rule("PV412", "warning", on=User)
def password_is_a_hash(user: User) -> Iterator[Finding]:
    """A password is given as a strong hash.

    The text goes into /etc/shadow as it is: a plain password lets nobody in and gives itself away, and an MD5 hash is
    guessed within hours. `mkpasswd --method=yescrypt` makes a good one. Source: crypt(5), shadow(5).

    Bad:
        passwd:
          users:
            - name: core
              password_hash: secret

    Good:
        passwd:
          users:
            - name: core
              password_hash: $y$j9T$J9wJTnhlMOmyjpPHjXMC./$a7Hc3ZeT8ldGNlKJ0sc/2Y9sMDOLUBZl8/4MtPKuMxB
    """
    text = user.password_hash
    if not text or len(text) == 1:
        return
    found = CRYPT.fullmatch(text)
    hint = "make a hash with `mkpasswd --method=yescrypt`"
    if not found or (found["id"] and found["id"] not in KNOWN_IDS):
        yield Finding("password_hash", "this is no hash as crypt(3) writes it, so that nobody can log in with it", hint)
    elif found["id"] in WEAK:
        yield Finding("password_hash", f"the hash is {WEAK[found['id']]}, which is guessed within hours", hint)
