"""The versions of etcd and flannel that a section can name, and those whose options are known.

Source: ct 0.9, `config/types/etcd.go` and `flannel.go`; go-semver, `Version.Set`.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from provision.schema.clc import Etcd, Flannel
from provision.schema.etcd_options import Version
from provision.schema.rules import Finding, rule

VERSION = r"(?a)(\d{1,18})\.(\d{1,18})\.(\d{1,18})(-[0-9A-Za-z.-]*)?(\+[0-9A-Za-z.-]*)?"


class Numbers(NamedTuple):
    """A version in its parts; `text` is how it is spelled in an image's tag."""

    major: int
    minor: int
    patch: int
    suffix: str

    @property
    def text(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}{self.suffix}"

    @property
    def table(self) -> Version:
        """What options depend on."""
        return self.major, self.minor

    def before(self, major: int, minor: int) -> bool:
        """Whether it precedes the first release of a minor version; its release candidates do."""
        first = (major, minor, 0)
        return self[:3] < first or (self[:3] == first and self.suffix.startswith("-"))


def numbers(version: str) -> Numbers | None:
    """A version's parts, None where it has not three numbers. Source: go-semver, `Version.Set`; SemVer 2.0.0, 9 and 10."""
    found = re.fullmatch(VERSION, version)
    return Numbers(int(found[1]), int(found[2]), int(found[3]), (found[4] or "") + (found[5] or "")) if found else None


class Range(NamedTuple):
    """Which versions of a service there are: those before `oldest` and from `end` on are refused."""

    service: str
    oldest: Version
    end: Version
    newest: dict[int, Version]
    """By major version, the newest whose options are known."""


ETCD = Range("etcd", (2, 3), (4, 0), {2: (2, 3), 3: (3, 3)})
FLANNEL = Range("flannel", (0, 5), (1, 0), {0: (0, 7)})


@rule("PV685", "error", on=Etcd)
def etcd_version_is_known(etcd: Etcd) -> Iterator[Finding]:
    """A version of etcd or flannel has three numbers, and is one whose options are known.

    The options of a section are those of its version. etcd goes from 2.3.0 to below 4.0.0, flannel from 0.5.0 to below
    1.0.0. Newer ones than were there in ct's time (etcd 3.3, flannel 0.7) are a warning: they are given its options.
    Source: ct 0.9, `config/types/etcd.go` and `flannel.go`.

    Bad:
        # Container Linux Config
        etcd:
          version: "3.3"
          listen_client_urls: http://127.0.0.1:2379
          advertise_client_urls: http://127.0.0.1:2379

    Good:
        # Container Linux Config
        etcd:
          version: 3.3.10
          listen_client_urls: http://127.0.0.1:2379
          advertise_client_urls: http://127.0.0.1:2379
    """
    yield from version_faults(etcd.version, ETCD)


@rule("PV685", "error", on=Flannel)
def flannel_version_is_known(flannel: Flannel) -> Iterator[Finding]:
    """See `etcd_version_is_known`."""
    yield from version_faults(flannel.version, FLANNEL)


def version_faults(version: str | None, known: Range) -> Iterator[Finding]:
    """What is wrong with the version of a service."""
    if version is None:
        return
    found = numbers(version)
    oldest, end = ("{}.{}.0".format(*bound) for bound in (known.oldest, known.end))
    if found is None:
        hint = "write all three numbers, without a `v` before them, as 3.3.10"
        yield Finding("version", f"`{version}` is no version of {known.service}", hint)
    elif found.before(*known.oldest):
        yield Finding("version", f"{known.service} {found.text} is too old; {oldest} is the oldest")
    elif found.table >= known.end:
        yield Finding("version", f"{known.service} {found.text} is too new; versions before {end} are known")
    elif found.table > known.newest[found.major]:
        newest = "{}.{}".format(*known.newest[found.major])
        message = f"{known.service} {found.text} is taken to have the options of {newest}, the newest known"
        yield Finding("version", message, severity="warning")


def usable(version: str | None, known: Range, default: Version) -> Version | None:
    """The version whose options a section has; None for one that is refused."""
    if version is None:
        return default
    found = numbers(version)
    return None if found is None or found.before(*known.oldest) or found.table >= known.end else found.table
