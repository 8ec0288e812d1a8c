"""The rules of Ignition configs: what raises each code, at which place and from which spec on, and what nearly does."""

from typing import Any, NamedTuple

import pytest

from provision.diagnostics import CODES, dedented
from provision.ignition import Config
from provision.record import JsonSource, Problem, Record, View, decode, spec
from provision.schema.rules import RULES, check, load
from provision.schema.rules.paths import cleaned, path_fault
from provision.schema.rules.systemd import UNIT_TYPES
from provision.schema.rules.units import read
from provision.schema.rules.urls import HEAD, compiled, data_head, source_fault

load()
# The rules of Ignition's own; those about the machine that a config makes may be loaded beside them.
OWN = frozenset(row.code.code for row in RULES if row.check.__module__.startswith("provision.schema.rules."))
Json = Any

NEWEST = "3.7.0-experimental"
SHA512 = "sha512-" + "a" * 128
SHA256 = "sha256-" + "b" * 64
GUID = "01234567-89ab-CDEF-0123-456789abcdef"
INSTALL = "[Service]\nExecStart=/x\n[Install]\nWantedBy=multi-user.target\n"
NO_INSTALL = "[Service]\nExecStart=/x\n"


def pointers(record: Record, path: str, out: dict[int, str]) -> dict[int, str]:
    """The path of every record, as the peers write it, by the record's identity."""
    out[id(record)] = path
    for row, value in record.given():
        if row.kind == "record" and value is not None:
            pointers(value, f"{path}.{row.key}", out)
        elif row.kind == "records":
            for index, item in enumerate(value):
                pointers(item, f"{path}.{row.key}.{index}", out)
    return out


def findings(version: str, sections: Json) -> list[str]:
    """`CODE path` of everything that the rules find, sorted."""
    problems: list[Problem] = []
    ignition = {"version": version, **sections.get("ignition", {})}
    config = decode(Config, {**sections, "ignition": ignition}, View(spec(version)), JsonSource(), problems)
    assert [problem for problem in problems if problem.wanted != "missing"] == []
    paths = pointers(config, "$", {})
    out = []
    for violation in check(config, spec(version)):
        finding = violation.finding
        if violation.code.code not in OWN:
            continue
        path = paths[id(violation.record)]
        if finding.field is not None:
            path += f".{violation.record.rows[finding.field].key}"
        if finding.item is not None:
            path += f".{finding.item}"
        out.append(f"{violation.code.code} {path[2:]}")
    return sorted(out)


REFERENCE = "ignition.config.merge.0.source"
PEM = "data:,-----BEGIN%20CERTIFICATE-----"


def pointer(source: str, ca: str | None = PEM) -> Json:
    tls = {"certificateAuthorities": [{"source": ca}]} if ca else {}
    return {"ignition": {"config": {"merge": [{"source": source}]}, "security": {"tls": tls}}}


# ---- the shapes of configs ------------------------------------------------------------------------------------------


def storage(**lists: Json) -> Json:
    return {"storage": lists}


def files(*nodes: Json) -> Json:
    return storage(files=[{"path": f"/f{index}", **node} for index, node in enumerate(nodes)])


def links(*nodes: Json) -> Json:
    return storage(links=[{"path": f"/l{index}", "target": "/t", **node} for index, node in enumerate(nodes)])


def contents(**resource: Json) -> Json:
    return files({"contents": resource})


def source(url: str) -> Json:
    return contents(source=url)


def partitions(*items: Json, **disk: Json) -> Json:
    return storage(disks=[{"device": "/dev/a", "partitions": list(items), **disk}])


def raid(**row: Json) -> Json:
    return storage(raid=[{"name": "r", "level": "raid1", "devices": ["/dev/a", "/dev/b"], **row}])


def filesystem(**row: Json) -> Json:
    return storage(filesystems=[{"device": "/dev/a", **row}])


def luks(**row: Json) -> Json:
    return storage(luks=[{"name": "v", "device": "/dev/a", **row}])


def clevis(**row: Json) -> Json:
    return luks(clevis=row)


def custom(**row: Json) -> Json:
    return clevis(custom=row)


def tang(**row: Json) -> Json:
    return clevis(tang=[{"url": "http://t", "thumbprint": "x", **row}])


def units(*items: Json) -> Json:
    return {"systemd": {"units": [{"name": f"u{index}.service", **item} for index, item in enumerate(items)]}}


def dropin(**row: Json) -> Json:
    return units({"dropins": [{"name": "d.conf", **row}]})


def ignition(**row: Json) -> Json:
    return {"ignition": row}


def merge(*items: Json) -> Json:
    return ignition(config={"merge": list(items)})


def authorities(*items: Json) -> Json:
    return ignition(security={"tls": {"certificateAuthorities": list(items)}})


def verified(hash: str | None, **resource: Json) -> Json:
    return contents(source="http://h/", verification={"hash": hash}, **resource)


def headers(*items: Json, url: str | None = "http://h/") -> Json:
    return contents(source=url, httpHeaders=list(items))


F, L = "storage.files.0", "storage.links.0"
P, R, S, V = "storage.disks.0.partitions", "storage.raid.0", "storage.filesystems.0", "storage.luks.0"
U = "systemd.units.0"


class Case(NamedTuple):
    """A config for a spec and all that is to be found in it."""

    version: str
    sections: Json
    found: tuple[str, ...] = ()


CASES = [
    # V2, V3: sources that must be there
    Case("3.0.0", merge({}, {"source": ""}), ("PV300 ignition.config.merge.1",)),
    Case("3.1.0", merge({}), ("PV802 ignition.config.merge.0",)),
    Case("3.1.0", merge({"source": ""}), ("PV802 ignition.config.merge.0",)),
    Case("3.1.0", merge({"source": "foo:x"}), ("PV801 ignition.config.merge.0.source",)),
    Case("3.1.0", merge({"source": "data:,"})),
    Case("3.1.0", ignition(config={"replace": {}})),
    Case("3.0.0", authorities({"source": ""}), ("PV802 ignition.security.tls.certificateAuthorities.0.source",)),
    Case("3.1.0", authorities({"source": ""}), ("PV802 ignition.security.tls.certificateAuthorities.0",)),
    Case("3.1.0", authorities({"source": "data:,x"})),
    # V4: proxies
    Case("3.1.0", ignition(proxy={"httpProxy": ""}), ("PV808 ignition.proxy.httpProxy",)),
    Case("3.1.0", ignition(proxy={"httpProxy": "ftp://p"}), ("PV808 ignition.proxy.httpProxy",)),
    Case("3.1.0", ignition(proxy={"httpsProxy": "https://[p"}), ("PV808 ignition.proxy.httpsProxy",)),
    Case("3.1.0", ignition(proxy={"httpsProxy": "http://p"}), ("PV809 ignition.proxy.httpsProxy",)),
    Case("3.1.0", ignition(proxy={"httpProxy": "http://p", "httpsProxy": "https://p", "noProxy": ["a", "b"]})),
    # V5: compression
    Case("3.0.0", contents(compression="xz"), (f"PV803 {F}.contents.compression",)),
    Case("3.0.0", contents(compression="gzip")),
    Case("3.0.0", contents(compression="")),
    # V6, V7: hashes
    Case("3.0.0", contents(verification={"hash": SHA512}), (f"PV804 {F}.contents.verification.hash",)),
    Case("3.0.0", contents(source="", verification={"hash": SHA512})),
    Case("3.0.0", merge({"verification": {"hash": SHA512}})),
    Case("3.2.0", luks(keyFile={"verification": {"hash": SHA512}}), (f"PV804 {V}.keyFile.verification.hash",)),
    Case("3.0.0", verified("sha512"), (f"PV805 {F}.contents.verification.hash",)),
    Case("3.0.0", verified(""), (f"PV805 {F}.contents.verification.hash",)),
    Case("3.0.0", verified("md5-" + "a" * 32), (f"PV805 {F}.contents.verification.hash",)),
    Case("3.0.0", verified(SHA256), (f"PV805 {F}.contents.verification.hash",)),
    Case("3.0.0", verified(SHA512[:-1]), (f"PV805 {F}.contents.verification.hash",)),
    Case("3.1.0", verified(SHA256 + "b"), (f"PV805 {F}.contents.verification.hash",)),
    Case("3.1.0", verified(SHA256)),
    Case("3.0.0", verified(SHA512)),
    Case("3.0.0", verified(None)),
    Case("3.0.0", verified("sha512-" + "A" * 128), (f"PV810 {F}.contents.verification.hash",)),
    Case("3.0.0", verified("sha512-" + "g" * 128), (f"PV810 {F}.contents.verification.hash",)),
    # V8: URLs, and from which spec on they are known; more below
    Case("3.0.0", source("foo"), (f"PV801 {F}.contents.source",)),
    Case("3.0.0", source("")),
    Case("3.0.0", files({"append": [{"source": "x:"}]}), (f"PV801 {F}.append.0.source",)),
    Case("3.1.0", source("gs://b/k"), (f"PV801 {F}.contents.source",)),
    Case("3.2.0", source("gs://b/k")),
    Case("3.3.0", source("arn:aws:s3:::b/k"), (f"PV801 {F}.contents.source",)),
    Case("3.4.0", source("arn:aws:s3:::b/k")),
    Case("3.0.0", source("s3://b/k?versionId="), (f"PV801 {F}.contents.source",)),
    # V9, V10: headers
    Case("3.1.0", headers({"name": "a", "value": "b"}, url=None), (f"PV806 {F}.contents.httpHeaders",)),
    Case("3.1.0", headers({"name": "a", "value": "b"}, url=""), (f"PV806 {F}.contents.httpHeaders",)),
    Case("3.1.0", headers({"name": "a", "value": "b"}, url="data:,"), (f"PV806 {F}.contents.httpHeaders",)),
    Case("3.1.0", headers({"name": "a", "value": "b"}, url="http://[/"), (f"PV801 {F}.contents.source",)),
    Case("3.1.0", headers({"name": "a", "value": "b"})),
    Case("3.1.0", headers({"name": "", "value": "b"}), (f"PV807 {F}.contents.httpHeaders.0.name",)),
    Case("3.1.0", headers({"name": "a", "value": ""}), (f"PV807 {F}.contents.httpHeaders.0.value",)),
    Case("3.1.0", headers({"name": "a", "value": None})),
    Case("3.1.0", headers({"name": "a"}, {"name": "a"}), (f"PV300 {F}.contents.httpHeaders.1",)),
    # V11: the disk's device
    Case("3.0.0", storage(disks=[{"device": ""}]), ("PV301 storage.disks.0.device",)),
    Case("3.0.0", storage(disks=[{"device": "dev/a"}]), ("PV301 storage.disks.0.device",)),
    Case("3.0.0", storage(disks=[{"device": "/dev/a"}])),
    # V12 to V14: partitions and each other
    Case("3.0.0", partitions({"number": 1}, {"number": 2}, {"number": 1}), (f"PV312 {P}.2",)),
    Case("3.0.0", partitions({"number": 1}, {"number": 2}, {"label": "a"}, {"label": "b"})),
    Case(
        "3.0.0",
        partitions({"number": 1, "startMiB": 1, "sizeMiB": 9}, {"number": 2, "startMiB": 9, "sizeMiB": 5}),
        (f"PV314 {P}.1",),
    ),
    Case("3.0.0", partitions({"number": 1, "startMiB": 1, "sizeMiB": 9}, {"number": 2, "startMiB": 10, "sizeMiB": 5})),
    Case(
        "3.0.0",
        partitions({"number": 1, "startMiB": 5, "sizeMiB": 0}, {"number": 2, "startMiB": 1, "sizeMiB": 9}),
        (f"PV314 {P}.1",),
    ),
    Case("3.0.0", partitions({"number": 1, "startMiB": 5, "sizeMiB": 0}, {"number": 2, "startMiB": 6, "sizeMiB": 9})),
    Case("3.0.0", partitions({"number": 1, "startMiB": 0, "sizeMiB": 9}, {"number": 2, "startMiB": 0, "sizeMiB": 9})),
    Case("3.0.0", partitions({"number": 1, "startMiB": 5}, {"number": 2, "startMiB": 5, "sizeMiB": 9})),
    Case(
        "3.0.0",
        partitions(
            {"number": 1, "startMiB": 1, "sizeMiB": 99},
            {"number": 2, "startMiB": 2, "sizeMiB": 2},
            {"number": 3, "startMiB": 50, "sizeMiB": 5},
        ),
        (f"PV314 {P}.1", f"PV314 {P}.2"),
    ),
    Case("3.0.0", partitions({"number": 1, "label": "a"}, {"number": 2, "label": "a"}), (f"PV313 {P}.1",)),
    Case("3.0.0", partitions({"label": ""}, {"label": ""}), (f"PV313 {P}.1",)),
    Case("3.0.0", partitions({"number": 1, "label": "a"}, {"number": 2, "label": "b"})),
    # V15 to V18: single partitions
    Case("3.0.0", partitions({"number": 1, "shouldExist": False, "label": ""}), (f"PV315 {P}.0",)),
    Case("3.0.0", partitions({"number": 1, "shouldExist": False, "sizeMiB": 0}), (f"PV315 {P}.0",)),
    Case("3.0.0", partitions({"number": 1, "shouldExist": False, "guid": GUID}), (f"PV315 {P}.0",)),
    Case("3.0.0", partitions({"number": 1, "shouldExist": False, "guid": "", "typeGuid": ""})),
    Case("3.0.0", partitions({"number": 1, "shouldExist": True, "label": "a"})),
    Case("3.0.0", partitions({}), (f"PV316 {P}.0",)),
    Case("3.0.0", partitions({}, {"number": 0}), (f"PV316 {P}.0", f"PV316 {P}.1")),
    Case("3.0.0", partitions({"label": ""})),
    Case("3.0.0", partitions({"number": 1, "label": "x" * 37}), (f"PV310 {P}.0.label",)),
    Case("3.0.0", partitions({"number": 1, "label": "ä" * 19}), (f"PV310 {P}.0.label",)),
    Case("3.0.0", partitions({"number": 1, "label": "ä" * 18})),
    Case("3.0.0", partitions({"number": 1, "label": "a:b"}), (f"PV311 {P}.0.label",)),
    Case("3.0.0", partitions({"number": 1, "guid": GUID[:-1]}), (f"PV317 {P}.0.guid",)),
    Case("3.0.0", partitions({"number": 1, "typeGuid": GUID + "\n"}), (f"PV317 {P}.0.typeGuid",)),
    Case("3.0.0", partitions({"number": 1, "guid": "", "typeGuid": GUID})),
    # Deletion beside number 0, as Butane has it
    Case(NEWEST, partitions({"number": 1, "shouldExist": False}, {"label": "a"}), ("PV318 storage.disks.0.partitions",)),
    Case(NEWEST, partitions({"number": 1, "shouldExist": False}, {"number": 2, "label": "a"})),
    Case(NEWEST, partitions({"number": 1, "shouldExist": True}, {"label": "a"})),
    # Numbers below zero
    Case("3.0.0", partitions({"label": "a", "sizeMiB": -1}), (f"PV319 {P}.0.sizeMiB",)),
    Case("3.0.0", {"passwd": {"users": [{"name": "a", "uid": -1}]}}, ("PV410 passwd.users.0.uid",)),
    Case("3.0.0", {"passwd": {"groups": [{"name": "a", "gid": -1}]}}, ("PV410 passwd.groups.0.gid",)),
    Case("3.0.0", files({"user": {"id": -1}}), (f"PV410 {F}.user.id",)),
    Case("3.0.0", {"passwd": {"users": [{"name": "a", "uid": 0}, {"name": ""}]}}),
    # V19, V20: RAID
    Case("3.0.0", storage(raid=[{"name": "r", "devices": ["/a"]}]), (f"PV320 {R}.level",)),
    Case("3.2.0", raid(level=""), (f"PV320 {R}.level",)),
    Case("3.3.0", raid(level=""), (f"PV320 {R}.level",)),
    Case("3.0.0", raid(level="raid7"), (f"PV320 {R}.level",)),
    *(Case("3.0.0", raid(level=level, spares=1), (f"PV321 {R}.level",)) for level in ("linear", "raid0", "0", "stripe")),
    *(Case("3.0.0", raid(level=level, spares=1)) for level in ("1", "mirror", "raid4", "5", "raid6", "10")),
    Case("3.0.0", raid(level="raid0", spares=0)),
    Case("3.0.0", raid(devices=[]), (f"PV322 {R}.devices",)),
    Case("3.0.0", raid(devices=["/a", "b"]), (f"PV301 {R}.devices.1",)),
    Case("3.0.0", raid(devices=["/a", "/a"]), (f"PV300 {R}.devices.1",)),
    # V21 to V23: file systems
    Case("3.0.0", filesystem(format="xfs", path="a"), (f"PV301 {S}.path",)),
    Case("3.0.0", filesystem(format="xfs", path="")),
    Case("3.0.0", filesystem(device=""), (f"PV301 {S}.device",)),
    Case("3.0.0", filesystem(device="/dev/"), (f"PV301 {S}.device",)),
    *(
        Case("3.1.0", filesystem(**{key: value}), (f"PV340 {S}.format",))
        for key, value in {
            "path": "/a", "uuid": "u", "options": ["o"], "mountOptions": ["o"], "wipeFilesystem": True,
        }.items()
    ),
    Case("3.1.0", filesystem(label="a"), (f"PV340 {S}.format", f"PV340 {S}.label")),
    Case("3.1.0", filesystem(path="", label="", uuid="", options=[], mountOptions=[], wipeFilesystem=False)),
    Case("3.0.0", filesystem(format="ext3"), (f"PV341 {S}.format",)),
    Case("3.2.0", filesystem(format="none"), (f"PV341 {S}.format",)),
    Case("3.3.0", filesystem(format="none")),
    Case("3.6.0", filesystem(format="virtiofs"), (f"PV341 {S}.format",)),
    Case(NEWEST, filesystem(format="virtiofs")),
    *(
        case
        for format, limit in {"ext4": 16, "btrfs": 256, "xfs": 12, "swap": 15, "vfat": 11}.items()
        for case in (
            Case("3.0.0", filesystem(format=format, label="x" * limit)),
            Case("3.0.0", filesystem(format=format, label="x" * (limit + 1)), (f"PV342 {S}.label",)),
        )
    ),
    Case("3.3.0", filesystem(format="none", label="x" * 300)),
    Case("3.0.0", filesystem(format="vfat", label="é" * 6), (f"PV342 {S}.label",)),
    # V24: virtiofs
    Case(NEWEST, filesystem(format="virtiofs", device=""), (f"PV343 {S}.device",)),
    Case(NEWEST, filesystem(format="virtiofs", device="x" * 37), (f"PV343 {S}.device",)),
    Case(NEWEST, filesystem(format="virtiofs", device="x" * 36, path="/a", mountOptions=["ro"])),
    Case(NEWEST, filesystem(format="virtiofs", label="x"), (f"PV344 {S}.label",)),
    Case(NEWEST, filesystem(format="virtiofs", uuid="x"), (f"PV344 {S}.uuid",)),
    Case(NEWEST, filesystem(format="virtiofs", wipeFilesystem=True), (f"PV344 {S}.wipeFilesystem",)),
    Case(NEWEST, filesystem(format="virtiofs", options=["x"]), (f"PV344 {S}.options",)),
    Case(NEWEST, filesystem(format="virtiofs", label="", uuid="", wipeFilesystem=False, options=[])),
    # V25: paths of nodes
    Case("3.0.0", files({"path": ""}), (f"PV301 {F}.path",)),
    Case("3.0.0", storage(directories=[{"path": "a"}]), ("PV301 storage.directories.0.path",)),
    Case("3.0.0", links({"path": "/a/../b"}), (f"PV301 {L}.path",)),
    Case("3.0.0", files({"path": "/a/..b/.c"}, {"path": "/"})),
    # V26, V27: modes
    Case("3.0.0", files({"mode": -1}), (f"PV350 {F}.mode",)),
    Case("3.0.0", files({"mode": 0o10000}), (f"PV350 {F}.mode",)),
    Case("3.5.0", files({"mode": 0o17644}), (f"PV350 {F}.mode",)),
    Case("3.6.0", storage(directories=[{"path": "/d", "mode": 0o10000}]), ("PV350 storage.directories.0.mode",)),
    Case("3.5.0", files({"mode": 0o7777}), (f"PV351 {F}.mode",)),
    Case("3.0.0", storage(directories=[{"path": "/d", "mode": 0o1777}]), ("PV351 storage.directories.0.mode",)),
    Case("3.6.0", files({"mode": 0o7777})),
    Case("3.5.0", files({"mode": 0o777}, {"mode": None}, {"mode": 0})),
    # V28, V29
    Case("3.0.0", files({"overwrite": True}), (f"PV352 {F}.overwrite",)),
    Case("3.0.0", files({"overwrite": True, "contents": {"source": ""}})),
    Case("3.0.0", files({"overwrite": False})),
    Case("3.0.0", files({"user": {"id": 0, "name": "a"}}), (f"PV353 {F}.user",)),
    Case("3.0.0", links({"group": {"id": 0, "name": "a"}}), (f"PV353 {L}.group",)),
    Case("3.0.0", files({"user": {"id": 0, "name": ""}, "group": {"name": "a"}})),
    # V30: below a link
    Case(
        "3.0.0",
        storage(
            links=[{"path": "/l", "target": "x"}, {"path": "/l/l", "target": "x"}],
            files=[{"path": "/l/f"}, {"path": "/l/l/f"}, {"path": "/lf"}],
            directories=[{"path": "/l/d/e"}, {"path": "/d/l"}],
        ),
        (
            "PV354 storage.directories.0", "PV354 storage.files.0", "PV354 storage.files.1", "PV354 storage.files.1",
            "PV354 storage.links.1",
        ),
    ),
    # V31, V32: links
    Case("3.2.0", links({"target": ""})),
    Case("3.3.0", links({"target": ""}), (f"PV355 {L}.target",)),
    Case("3.3.0", links({"target": "x"})),
    Case("3.3.0", storage(links=[{"path": "/l"}]), (f"PV355 {L}.target",)),
    Case(
        "3.0.0",
        storage(directories=[{"path": "/d"}], links=[{"path": "/l", "target": "/x/../d/", "hard": True}]),
        ("PV356 storage.links.0",),
    ),
    Case(
        "3.0.0",
        storage(directories=[{"path": "/d"}], links=[{"path": "/l", "target": "../d", "hard": True}]),
        ("PV356 storage.links.0",),
    ),
    Case("3.0.0", storage(directories=[{"path": "/d"}], links=[{"path": "/l", "target": "d", "hard": True}])),
    Case("3.0.0", storage(directories=[{"path": "/d"}], links=[{"path": "/l", "target": "/d"}])),
    Case(
        "3.0.0",
        links({"hard": True, "user": {"id": 0}, "group": {"name": ""}}),
        (f"PV357 {L}.group.name", f"PV357 {L}.user.id"),
    ),
    Case("3.2.0", links({"hard": True, "target": "", "user": {"id": 0}}), (f"PV357 {L}.user.id",)),
    Case("3.3.0", links({"hard": True, "target": "", "user": {"id": 0}}), (f"PV355 {L}.target",)),
    Case("3.0.0", links({"hard": False, "user": {"id": 0}})),
    # V33: file systems on whole disks
    Case(
        "3.0.0",
        storage(disks=[{"device": "/a", "partitions": [{"number": 1}]}], filesystems=[{"device": "/a"}]),
        ("PV345 storage.filesystems.0.device",),
    ),
    Case(
        "3.0.0",
        storage(disks=[{"device": "/a", "wipeTable": True}], filesystems=[{"device": "/a", "format": "xfs"}]),
        ("PV346 storage.filesystems.0.device",),
    ),
    Case(
        "3.0.0",
        storage(
            disks=[{"device": "/a", "wipeTable": True}],
            filesystems=[{"device": "/a", "format": "xfs", "wipeFilesystem": True}, {"device": "/b"}],
        ),
    ),
    # V34: encrypted volumes
    Case("3.2.0", luks(name="a/b"), (f"PV330 {V}.name",)),
    Case("3.2.0", luks(label="x" * 48), (f"PV331 {V}.label",)),
    Case("3.2.0", luks(label="x" * 47)),
    Case("3.2.0", luks(device=""), (f"PV301 {V}.device",)),
    Case("3.2.0", luks(device="/a//b"), (f"PV301 {V}.device",)),
    # V35: custom Clevis beside others
    Case("3.2.0", clevis(custom={}, tpm2=True), (f"PV332 {V}.clevis",)),
    Case("3.3.0", clevis(custom={}, tpm2=True)),
    Case("3.3.0", clevis(custom={"pin": "sss", "config": "{}"}, threshold=1), (f"PV332 {V}.clevis",)),
    Case("3.3.0", clevis(custom={"pin": "sss", "config": "{}"}, threshold=0, tpm2=False, tang=[])),
    Case("3.2.0", clevis(tpm2=True)),
    # V36: the key file
    Case("3.2.0", luks(keyFile={"source": "x"}), (f"PV801 {V}.keyFile.source",)),
    # V37: CEX
    Case("3.5.0", luks(cex={"enabled": True}, clevis={"tpm2": True}), (f"PV333 {V}.cex",)),
    Case("3.5.0", luks(cex={"enabled": True}, clevis={"threshold": 2}), (f"PV333 {V}.cex",)),
    Case("3.5.0", luks(cex={"enabled": True}, clevis={"custom": {"pin": "sss", "config": "x"}}), (f"PV333 {V}.cex",)),
    Case("3.5.0", luks(cex={"enabled": True}, keyFile={"source": "data:,"}), (f"PV333 {V}.cex",)),
    Case("3.5.0", luks(cex={"enabled": True}, clevis={"threshold": 0}, keyFile={"source": ""})),
    Case("3.5.0", luks(cex={"enabled": False}, clevis={"tpm2": True}, keyFile={"source": "data:,"})),
    # V38: custom pins
    Case("3.2.0", custom(pin="", config="")),
    Case("3.2.0", custom(needsNetwork=True)),
    Case("3.3.0", custom(needsNetwork=True), (f"PV334 {V}.clevis.custom.config", f"PV334 {V}.clevis.custom.pin")),
    Case("3.3.0", custom(needsNetwork=False)),
    Case("3.2.0", custom(config="x"), (f"PV334 {V}.clevis.custom.pin",)),
    Case("3.2.0", custom(pin="tpm2"), (f"PV334 {V}.clevis.custom.config",)),
    Case("3.5.0", custom(pin="foo", config="x"), (f"PV335 {V}.clevis.custom.pin",)),
    Case("3.6.0", custom(pin="foo", config="x")),
    Case("3.2.0", custom(pin="sss", config="x")),
    # V39: Tang
    Case("3.2.0", tang(url=""), (f"PV336 {V}.clevis.tang.0.url",)),
    Case("3.2.0", tang(url="tftp://t"), (f"PV336 {V}.clevis.tang.0.url",)),
    Case("3.2.0", tang(url="http://t:x"), (f"PV336 {V}.clevis.tang.0.url",)),
    Case("3.2.0", tang(url="HTTPS:")),
    Case("3.2.0", tang(thumbprint=""), (f"PV337 {V}.clevis.tang.0.thumbprint",)),
    *(
        Case("3.4.0", tang(advertisement=text), (f"PV338 {V}.clevis.tang.0.advertisement",))
        for text in ("x", "NaN", "1e999", "9" * 400, "[1,]", "\ufeff{}", '"\t"', "01")
    ),
    *(Case("3.4.0", tang(advertisement=text)) for text in ("", None, " {} ", "1e5", '"\\ud800"', "[" * 5000 + "]" * 5000)),
    # V40: names of units
    Case("3.0.0", units({"name": ""}), (f"PV501 {U}.name",)),
    Case("3.0.0", units({"name": "service"}), (f"PV501 {U}.name",)),
    Case("3.0.0", units({"name": "a.service/"}), (f"PV501 {U}.name",)),
    Case("3.0.0", units({"name": "a.Service"}), (f"PV501 {U}.name",)),
    *(
        Case("3.0.0", units({"name": f"a.{kind}"}))
        for kind in UNIT_TYPES
    ),
    # V41, V42, V44: texts of units; more below
    Case("3.0.0", units({"contents": "[Unit\n"}), (f"PV502 {U}.contents",)),
    Case("3.0.0", units({"contents": "[Unit\n", "enabled": True}), (f"PV502 {U}.contents",)),
    Case("3.0.0", units({"contents": ""}, {"contents": None, "enabled": True})),
    Case("3.0.0", units({"contents": NO_INSTALL, "enabled": True}), (f"PV503 {U}.contents",)),
    Case("3.0.0", units({"contents": "[Install]\n", "enabled": True}), (f"PV503 {U}.contents",)),
    Case("3.0.0", units({"contents": "\n", "enabled": True}), (f"PV503 {U}.contents",)),
    Case("3.0.0", units({"contents": INSTALL, "enabled": True}, {"contents": NO_INSTALL, "enabled": False})),
    Case("3.0.0", dropin(contents="[Unit] x"), (f"PV502 {U}.dropins.0.contents",)),
    Case("3.0.0", dropin(name="d"), (f"PV505 {U}.dropins.0.name",)),
    Case("3.0.0", dropin(name=""), (f"PV505 {U}.dropins.0.name",)),
    Case("3.0.0", dropin(name=".conf", contents=NO_INSTALL)),
    # V43: instances
    Case(
        "3.0.0",
        units({"name": "a@b.service", "enabled": True}, {"name": "a@.service", "contents": NO_INSTALL}),
        (f"PV504 {U}.contents",),
    ),
    Case("3.0.0", units({"name": "a@b.service", "enabled": True}, {"name": "a@.service", "contents": INSTALL})),
    Case("3.0.0", units({"name": "a@b.service"}, {"name": "a@.service", "contents": NO_INSTALL})),
    Case("3.0.0", units({"name": "a@b.timer", "enabled": True}, {"name": "a@.service", "contents": NO_INSTALL})),
    Case("3.0.0", units({"name": "a@b.service", "enabled": True}, {"name": "a@.service", "contents": ""})),
    Case("3.0.0", units({"name": "@b.service", "enabled": True}, {"name": "@.service", "contents": NO_INSTALL})),
    # V45: paths of units
    *(
        Case(
            "3.0.0",
            storage(**{kind: [{"path": "/etc/systemd/system/u0.service", **more}]}) | units({"contents": NO_INSTALL}),
            (f"PV358 storage.{kind}.0.path",),
        )
        for kind, more in {"files": {}, "directories": {}, "links": {"target": "x"}}.items()
    ),
    Case(
        "3.0.0",
        files({"path": "/etc/systemd/system/u0.service.d/d.conf"}) | dropin(contents=NO_INSTALL),
        (f"PV358 {F}.path",),
    ),
    Case("3.0.0", files({"path": "/etc/systemd/system/u0.service"}) | units({"contents": ""})),
    Case("3.0.0", files({"path": "/etc/systemd/system/u0.service.d/d.conf"}) | dropin(contents="")),
    # V46: duplicates
    Case("3.0.0", files({"path": "/a"}, {"path": "/a"}, {"path": "/a"}), ("PV300 storage.files.1", "PV300 storage.files.2")),
    Case(
        "3.0.0",
        storage(
            links=[{"path": "/a", "target": "x"}, {"path": "/b", "target": "x"}],
            files=[{"path": "/a"}, {"path": "/b"}],
            directories=[{"path": "/a"}],
        ),
        ("PV300 storage.files.0", "PV300 storage.links.0", "PV300 storage.links.1"),
    ),
    Case(
        "3.3.0",
        {"kernelArguments": {"shouldExist": ["a", "b", "a"], "shouldNotExist": ["b", "c"]}},
        ("PV300 kernelArguments.shouldExist.2", "PV300 kernelArguments.shouldNotExist.0"),
    ),
    Case(
        "3.0.0",
        {"passwd": {
            "users": [{"name": "a", "sshAuthorizedKeys": ["k", "k"], "groups": ["g", "g"]}, {"name": "a"}],
            "groups": [{"name": "a"}, {"name": "b"}, {"name": "b"}],
        }},
        (
            "PV300 passwd.groups.2", "PV300 passwd.users.0.groups.1", "PV300 passwd.users.0.sshAuthorizedKeys.1",
            "PV300 passwd.users.1",
        ),
    ),
    Case(
        "3.0.0",
        storage(
            disks=[{"device": "/a"}, {"device": "/a"}],
            filesystems=[{"device": "/a", "format": "xfs", "options": ["o", "o"]}, {"device": "/a"}],
            raid=[{"name": "r", "level": "1", "devices": ["/a"], "options": ["o", "o"]}] * 2,
        ),
        ("PV300 storage.disks.1", "PV300 storage.filesystems.1", "PV300 storage.raid.1"),
    ),
    Case(
        "3.4.0",
        storage(luks=[{"name": "v", "device": "/a", "options": ["o", "o"], "openOptions": ["o", "o"]}, {"name": "v", "device": "/b"}]),
        ("PV300 storage.luks.0.openOptions.1", "PV300 storage.luks.1"),
    ),
    Case("3.2.0", clevis(tang=[{"url": "http://t", "thumbprint": "x"}] * 2), (f"PV300 {V}.clevis.tang.1",)),
    Case("3.0.0", units({"name": "a.service", "dropins": [{"name": "d.conf"}] * 2}, {"name": "a.service"}), (f"PV300 {U}.dropins.1", "PV300 systemd.units.1")),
    Case("3.1.0", merge({"source": "data:,"}, {"source": "data:,"}), ("PV300 ignition.config.merge.1",)),
    Case("3.1.0", ignition(proxy={"noProxy": ["a", "a"]}), ("PV300 ignition.proxy.noProxy.1",)),
    Case("3.0.0", files({"append": [{"source": "data:,"}] * 2})),
    Case("3.0.0", {"passwd": {"users": [{"name": "a"}], "groups": [{"name": "a"}]}}),
    # Pointers to a cluster's config server.
    Case("3.2.0", pointer("https://api-int.c.example.com:22623/config/worker"), (f"PV770 {REFERENCE}",)),
    Case("3.2.0", pointer("https://10.0.0.5:22623/config/a.b"), (f"PV770 {REFERENCE}",)),
    Case("3.2.0", pointer("http://[::1]:22624/config/master"), (f"PV770 {REFERENCE}", f"PV771 {REFERENCE}", f"PV771 {REFERENCE}")),
    Case("3.2.0", pointer("https://api-int.c.example.com/config/worker?x=y"), (f"PV770 {REFERENCE}", f"PV771 {REFERENCE}")),
    Case("3.2.0", pointer("https://api-int.c.example.com:22623/config/worker", ca=None), (f"PV770 {REFERENCE}", f"PV771 {REFERENCE}")),
    Case(
        "3.2.0", pointer("https://api-int.c.example.com:22623/config/worker", ca="data:;base64,UkVQTEFDRQo="),
        (f"PV770 {REFERENCE}", "PV771 ignition.security.tls.certificateAuthorities.0.source"),
    ),
    Case("3.2.0", pointer("https://api-int.c.example.com:22623/config/worker", ca="https://example.com/ca.pem"), (f"PV770 {REFERENCE}",)),
    Case("3.2.0", pointer("https://example.com/config/worker")),
    Case("3.2.0", pointer("https://api-int.c.example.com:22623/config/worker/more")),
    Case("3.2.0", pointer("tftp://api-int.c.example.com:22623/config/worker")),
    # What is missing was told when the config was read.
    Case("3.3.0", storage(files=[{}, {}], disks=[{}])),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[f"{index}-{case.version}" for index, case in enumerate(CASES)])
def test_a_config_raises_exactly_its_codes(case: Case) -> None:
    assert findings(case.version, case.sections) == list(case.found)


def test_every_code_has_a_case_that_raises_it() -> None:
    assert set(OWN) == {found.split()[0] for case in CASES for found in case.found}


@pytest.mark.parametrize("code", sorted(OWN))
def test_a_manual_has_its_parts(code: str) -> None:
    row = CODES[code]
    assert row.summary.endswith(".")
    assert "Source: " in dedented(row.doc)
    bad, good = row.example("Bad"), row.example("Good")
    assert bad
    assert good
    assert bad != good


def test_messages_keep_secrets() -> None:
    secret = "hunter2"
    sections = {
        **merge({"source": f"ftp://me:{secret}@h/"}, {"source": f"ftp://me:{secret}@h/"}),
        **files({"contents": {"source": f"data:,{secret} x", "httpHeaders": [{"name": "", "value": secret}]}}),
    }
    sections["ignition"]["version"] = "3.4.0"
    sections["ignition"]["proxy"] = {"httpProxy": f"ftp://me:{secret}@h/"}
    config = decode(Config, sections, View(spec("3.4.0")), JsonSource(), [])
    found = list(check(config, spec("3.4.0")))
    assert len(found) >= 5
    assert not [it for it in found if secret in f"{it.finding.message} {it.finding.hint}"]


# ---- paths ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/a", "/a/b.c", "/.a", "/a/..b", "/...", "/a b"])
def test_a_short_path_has_no_fault(path: str) -> None:
    assert path_fault(path) is None


@pytest.mark.parametrize(
    "path", ["", "a", "./a", "//", "//a", "/a/", "/.", "/a/.", "/a/./b", "/..", "/a/../b", "/a//b"]
)
def test_any_other_path_has_a_fault(path: str) -> None:
    assert path_fault(path)


@pytest.mark.parametrize(
    ("path", "short"),
    [("", "."), ("a/../..", ".."), ("/../a", "/a"), ("//a//b/", "/a/b"), ("a/./b/../c", "a/c"), ("/..", "/"), ("../../a", "../../a")],
)  # fmt: skip
def test_a_path_is_shortened(path: str, short: str) -> None:
    assert cleaned(path) == short


# ---- URLs -----------------------------------------------------------------------------------------------------------

FETCHABLE = [
    "http:", "http:a", "HTTP://a", "http://", "http:///a", "https://u:p@h:80/x?y#z", "http://u@v@h", "http://a:",
    "http://é/", "http://a%e4/", "http://a<b>!$&'()*+,;=_~/", "http://a]b", "http://a:80:90/", "http://a:b:90/",
    "http://[::1]", "http://[::1]:80/", "http://[fe80::1%25en0]/", "http://[::ffff:1.2.3.4]", "http://[1:2:3:4:5:6:7:8]",
    "http://[1::1.2.3.4]", "http://a?%zz", "http:a%zz", "http://a#\t", "tftp://h/f",
    "s3://b/k", "s3://b/k?versionId=1", "s3://b/k?versionId=1&versionId=", "s3://b/k?versionId=%zz", "s3://b/k?a;versionId=",
    "gs://b/k", "arn:aws:s3:::b/k", "ARN:aws:s3:::b/k", "arn:aws:s3:r:1:accesspoint/a/object/k",
    "data:,", "data:,a%20b", "data:;base64,", "data:;base64,QQ==", "data:;base64,QR==", "data:text/plain,x",
    "data:textual/x,x", "data:text/,x", "data:x-a/b,x", "data:X-/,x", "data:;a=b;c=%20;base64,QQ==", 'data:;a="b c",x',
    'data:;a="\\u00e4\\x41\\101",x', "data:,a/b?c:d;e@f", "data:text/a#b,x",
]  # fmt: skip

NOT_FETCHABLE = [
    "a", "/a", "//a/b", "*", ":a", "1http://a", "ht_tp://a", "ftp://a", "file:///a", "http://a\tb", "http://a/\x7f",
    "http://a b", "http://a^b", "http://a%20b", "http://a:b", "http://[", "http://[zz]", "http://[1.2.3.4]", "http://a[::1]",
    "http://[::1]x", "http://[::1]:x", "http://[::1%25]", "http://[::1%25%2f]", "http://[1:2:3:4:5:6:7]", "http://[1::2::3]",
    "http://[1:2:3:4:5:6:7::8]", "http://[12345::]", "http://[::1.2.3]", "http://[::01.2.3.4]", "http://[1.2.3.4::]",
    "http://u%zz@h", "http://u^@h", "http://a/%2", "http://a#%2",
    "s3://b/k?versionId=", "s3://b/k?versionId", "s3://b/k?x=1&versionId=&versionId=2",
    "arn:aws:s3", "arn:/x", "arn:aws:ec2:::b/k", "arn:aws:s3:::b", "arn:aws:s3:r:1:accesspoint/a", "arn:aws:s3:::b/k?versionId=",
    "data:", "data:a", "data:x,", "data:foo/bar,", "data:;,x", "data:;a,x", "data:;a=,x", "data:;=b,x", "data:;a=%2,x",
    "data:;base64;a=b,x", 'data:;a="b,x', 'data:;a="\\q",x', 'data:;a="\\400",x', 'data:;a="\\ud800",x', "data:text/a#%b,x",
    "data:,a b", "data:,é", "data:,a#b", "data:,[x]", "data:,%2", "data:,%zz", "DATA:,x",
    "data:;base64,Q", "data:;base64,QQ", "data:;base64,QQ=", "data:;base64,=", "data:;base64,QQ==QQ==", "data:;base64,Q Q=",
    "data:;base64,Q-_=", "data:;base64,QQ\n==",
]  # fmt: skip


@pytest.mark.parametrize("url", FETCHABLE)
def test_a_source_can_be_fetched(url: str) -> None:
    assert source_fault(url, spec(NEWEST)) is None


@pytest.mark.parametrize("url", NOT_FETCHABLE)
def test_a_source_can_not_be_fetched(url: str) -> None:
    assert source_fault(url, spec(NEWEST))


@pytest.mark.parametrize(
    "url",
    ["data:,", "data:,;base64,", "data:,a,b", "data:;base64,", "data:;base64,QQ==", "data:;base64,,", "data:,data:,"],
)
def test_a_head_that_is_spared_the_pattern_is_what_the_pattern_finds(url: str) -> None:
    found = compiled(HEAD).match(url)
    assert found is not None
    assert data_head(url) == (found[0], bool(found[1]))


# ---- unit files -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "x=1", "# c", "[a]", "[a]\n", "[a]\nb=", "[a]\nb=c", "a [b]\nc=d", "[a\nb]\nc=d", "[a] \t\n\n;x\n#y\nb=c\n",
        "[a]\n\u00a0\u2003b=c", "[a]\nb=\\", "[a]\nb=c\\\n[d\n", "# \\\n[x\n[a]\n", "[a]\r\nb=c\r\n", "[a]\n=c",
        "[a]\nb=c\n" * 1000, "#" + "x" * 2000 + "\n[a]\nb=c\n", "[a]\nb=" + "x" * 2000 + "\n", "# [a]\n#x\\ \n[b\nb", "x" * 2048,
    ],
)  # fmt: skip
def test_a_unit_can_be_read(text: str) -> None:
    assert read(text).fault is None


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[", 1), ("[a", 1), ("\n\n[a", 3), ("[a] b", 1), ("[a]]", 1), ("[a]\nb", 2), ("[a]\nb\n", 2), ("[a]\nb\r=c", 2),
        ("[a]\nb=c\\\n[d\ne", 4), ("[a]\n\nb=" + "x" * 3000, 3), ("x" * 2049, 1), ("[a]\nb=c\n" + "d" * 3000 + "=", 3),
    ],
)  # fmt: skip
def test_a_unit_can_not_be_read_and_the_line_is_named(text: str, line: int) -> None:
    fault = read(text).fault
    assert fault is not None
    assert fault.startswith(f"line {line}: ")


@pytest.mark.parametrize(
    ("text", "installs"),
    [
        ("[Install]\nA=b", True), ("[Install]\nA=", True), ("[Unit]\n[Install]\n\n A = b\\\n c\n", True), ("x[Install]\n=", True),
        ("[Install]", False), ("[Install]\n# A=b\n", False), ("[install]\nA=b", False), ("[ Install]\nA=b", False),
        ("[Unit]\nA=b\\\n[Install]\nWantedBy=x\n", False), ("#[Install]\nA=b\n", False), ("[Install]\n[Unit]\nA=b", False),
    ],
)  # fmt: skip
def test_an_install_section_is_one_with_an_option(text: str, installs: bool) -> None:
    assert read(text)[:2] == (None, installs)
