"""`ignition`: other configs and certificates; and the hash of what is fetched, which is written in two parts here.

Source: ct 0.9, `config/types/config.go`, `security.go` and `verification.go`.
"""

from collections.abc import Iterator
from urllib.parse import quote, unquote

from provision.record import R, Record
from provision.schema import clc, ignition2
from provision.schema.rules import Finding, load, rule
from provision.transpile.author import Author

load()  # a code that is shared has its manual there

VERSION = "2.3.0"
FUNCTION = "sha512"
# What Go leaves as it is in a URL's path, besides letters and digits. Source: Go, `net/url`, `validEncoded`, `shouldEscape`.
IN_PATHS = "-_.~$&+,/:;=@"
VALID_IN_PATHS = frozenset(IN_PATHS + "!'()*[]%")


@rule("PV684", "warning", on=clc.Hash)
def hash_is_whole(hashed: clc.Hash) -> Iterator[Finding]:
    """A hash has a function and a sum.

    With one of them alone the content is not verified at all. Source: ct 0.9, `convertVerification`.

    Bad:
        # Container Linux Config
        storage:
          files:
            - path: /opt/app
              mode: 0755
              contents:
                remote:
                  url: https://example.com/app
                  verification:
                    hash:
                      sum: e7c22b994c59d9cf2b48e549b1e24666636045930d3da7c1acb299d1c3b7f931f94aae41edda2c2b207a36e10f8bcb8d45223e54878f5b316e7ce3b6bc019629

    Good:
        # Container Linux Config
        storage:
          files:
            - path: /opt/app
              mode: 0755
              contents:
                remote:
                  url: https://example.com/app
                  verification:
                    hash:
                      function: sha512
                      sum: e7c22b994c59d9cf2b48e549b1e24666636045930d3da7c1acb299d1c3b7f931f94aae41edda2c2b207a36e10f8bcb8d45223e54878f5b316e7ce3b6bc019629
    """
    if bool(hashed.function) != bool(hashed.sum):
        there, missing = ("function", "sum") if hashed.function else ("sum", "function")
        hint = "add `function: sha512`" if missing == "function" else "add the `sum` in hex digits"
        yield Finding(there, f"a hash without a {missing}: the content is not verified", hint)


@rule("PV805", "error", on=clc.Hash)
def hash_is_sha512(hashed: clc.Hash) -> Iterator[Finding]:
    """The function of a hash is sha512."""
    if hashed.function and hashed.sum and hashed.function != FUNCTION:
        yield Finding("function", f"`{hashed.function}` is no hash function here", f"write {FUNCTION}")


def in_place(made: R, record: Record, **spots: object) -> R:
    """A made record where another was read: its keys are looked for there, and what was told of that is not told again."""
    known = record.__dict__
    for name in ("_origin", "_broken", "_absent", "_spots"):
        if name in known:
            made.__dict__[name] = known[name]
    return made.spotted(**spots)


def recast(cls: type[R], record: Record, **values: object) -> R:
    """A record that was read as one of another class with the same keys; for some it has other values."""
    made = cls()
    made.__dict__.update(record.__dict__, **values)
    return made


def section(ignition: clc.Ignition, author: Author) -> ignition2.Ignition:
    """The section in Ignition 2."""
    given, tls = ignition.config, ignition.security.tls
    replace = None if given.replace is None else reference(given.replace, ignition2.Reference, author)
    append = tuple(reference(each, ignition2.Reference, author) for each in given.append)
    authorities = tuple(reference(each, ignition2.CaReference, author) for each in tls.certificate_authorities)
    trusted = recast(ignition2.Tls, tls, certificate_authorities=authorities)
    return recast(
        ignition2.Ignition, ignition,
        config=recast(ignition2.ConfigReferences, given, append=append, replace=replace),
        security=recast(ignition2.Security, ignition.security, tls=trusted),
        version=VERSION,
    )  # fmt: skip


def reference(given: clc.Reference, cls: type[R], author: Author) -> R:
    """A config or bundle to fetch."""
    hashed = verification(given.verification, author) or ignition2.Verification()
    return recast(cls, given, verification=hashed)


def verification(given: clc.Verification, author: Author) -> ignition2.Verification | None:
    """The hash in one part, None where it has not both, or another function."""
    hashed = given.hash
    if hashed.function != FUNCTION or not hashed.sum:
        return None
    made = ignition2.Verification(hash=f"{FUNCTION}-{hashed.sum}")
    return made.at(given.origin, hash=author.place(hashed, "sum"))


def normal(url: str) -> str:
    """A URL as Go writes it again after it has read it: what may not stand in a path is escaped."""
    head, mark, tail = url.partition("#")
    before, question, query = head.partition("?")
    scheme, colon, rest = before.partition(":")
    if not rest.startswith("//"):
        return url
    host, slash, path = rest[2:].partition("/")
    if any(char not in VALID_IN_PATHS and not (char.isascii() and char.isalnum()) for char in path):
        path = quote(unquote(path, errors="surrogateescape"), safe=IN_PATHS, errors="surrogateescape")
    return f"{scheme.lower()}{colon}//{host}{slash}{path}{question}{query}{mark}{tail}"
