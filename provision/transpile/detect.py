"""Which dialect and release a document is written in: found from its content."""

import re

from ruamel.yaml.nodes import MappingNode, Node

from provision.diagnostics import Diagnostic, declare, nearest
from provision.document import Document
from provision.document.nodes import child, text_of
from provision.schema.rules.systemd import UNIT_TYPES
from provision.transpile import objects
from provision.versions import BUTANE, BY_NAME, Dialect, Release, newest, releases_of

declare(
    "PV201", "error", "unknown dialect",
    """A document says what it is: Butane by `variant` and `version`, Ignition by `ignition.version`.

    Bad:
        version: 1.6.0
        storage: {}

    Good:
        variant: fcos
        version: 1.6.0
        storage: {}
    """, silenceable=False,
)  # fmt: skip
declare(
    "PV202", "error", "unknown version",
    """A document names a version that exists, all three numbers of it.

    Experimental versions are spelled with their suffix.

    Bad:
        variant: fcos
        version: 1.6

    Good:
        variant: fcos
        version: 1.6.0
    """, silenceable=False,
)  # fmt: skip

# What a file's name says of a unit, besides the types of units.
UNIT_SUFFIXES = (*UNIT_TYPES, "network", "netdev", "link", "conf")
# The section without which a file with such an ending is not networkd's, but podman's, for example.
OWN_SECTIONS = {"network": "[Match]", "link": "[Match]", "netdev": "[NetDev]"}
SECTION = re.compile(r"\A\ufeff?(?:[ \t]*(?:[#;][^\n]*|\r?)\n)*\[[A-Za-z-]+\][ \t]*\r?$", re.M)
SCRIPT = re.compile(rb"(?:\xef\xbb\xbf)?#![ \t]*/")
CLOUD_HEADER = re.compile(r"\A[\ufeff\s]*#[ \t]*cloud-config\b", re.I)
CLC_KEYS = frozenset(
    ("ignition", "storage", "systemd", "networkd", "passwd", "etcd", "flannel", "docker", "update", "locksmith")
)

SEMVER = re.compile(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")


def text_dialect(data: bytes, file: str) -> Dialect | None:
    """The dialect of a file that is one text: a script, by its first two bytes, or a unit, by its name or its sections."""
    if SCRIPT.match(data):
        return "script"
    if file.endswith(tuple(f".{suffix}" for suffix in UNIT_SUFFIXES)):
        return "unit"
    return "unit" if SECTION.match(data[:4096].decode("utf-8", "replace")) else None


def unversioned(dialect: Dialect) -> Release:
    """The one release of a dialect that has no versions."""
    return BY_NAME[dialect, ""]


def detect(document: Document, dialect: str | None = None, target_os: str | None = None) -> Release | Diagnostic:
    """The release that a document is written in, or why it can't be told; `dialect` is what the caller knows."""
    root = document.root
    forced = BY_NAME.get((dialect or "", ""))
    if forced is not None:
        return forced
    if not document.json and CLOUD_HEADER.match(document.text):
        return unversioned(cloud_dialect(root, target_os))
    if not isinstance(root, MappingNode):
        what = "the document is empty" if not document.text.strip() else "a config is a mapping of keys to values"
        return document.diagnostic(
            root,
            "PV201",
            "error",
            what,
            "a Butane config starts with `variant:` and `version:`, a cloud-config with the line `#cloud-config`",
        )
    if not document.json and child(root, "coreos") is not None and child(root, "variant") is None:
        return unversioned("cloud-config")  # without its header, which its translator misses
    if objects.is_ours(root):
        return objects.release_of(document)
    if is_clc(document):
        return unversioned("clc")
    if child(root, "variant") is None and (document.json or child(child(root, "ignition"), "version") is not None):
        return detect_ignition(document, root)
    return detect_butane(document, root)


def is_recognised(document: Document) -> bool:
    """Whether a document claims to be one of ours, so that a search through folders takes it up."""
    root = document.root
    suffix = document.file.rpartition(".")[2]
    if suffix in UNIT_SUFFIXES:
        return SECTION.match(document.text) is not None and OWN_SECTIONS.get(suffix, "[") in document.text
    if child(root, "variant") is not None or child(child(root, "ignition"), "version") is not None:
        return True
    if CLOUD_HEADER.match(document.text) or objects.is_ours(root):
        return True
    return is_clc(document) and keys_of(root) <= CLC_KEYS


def keys_of(root: object) -> set[str]:
    """The keys of a mapping."""
    return {str(key.value) for key, _ in root.value} if isinstance(root, MappingNode) else set()


def cloud_dialect(root: Node | None, target_os: str | None) -> Dialect:
    """Which of the two that call themselves cloud-config a document is: by the keys that only one of them has.

    Where both have all of its keys it is CoreOS's, unless the machine is to run a system that never was of that family.
    """
    from provision.schema.cloud_init.keys import is_canonical

    if "coreos" in keys_of(root):
        return "cloud-config"
    canonical = is_canonical(root) or (target_os is not None and not is_image_based(target_os))
    return "cloud-init" if canonical else "cloud-config"


def is_image_based(target_os: str) -> bool:
    """Whether a system's /usr belongs to its image, as that of CoreOS and its heirs."""
    from provision.transpile.cloud_init.targets import SYSTEMS

    return target_os not in SYSTEMS or SYSTEMS[target_os].sealed


def is_clc(document: Document) -> bool:
    """Whether a document is a Container Linux Config, which has no mark but its keys; a file called .bu is Butane's."""
    root = document.root
    if document.json or document.file.endswith((".bu", ".butane")):
        return False
    version = text_of(child(child(root, "ignition"), "version")) or ""
    return not version.startswith("3.") and child(root, "variant", "version") is None and bool(keys_of(root) & CLC_KEYS)


def detect_ignition(document: Document, root: MappingNode) -> Release | Diagnostic:
    """The spec of an Ignition config."""
    section = child(root, "ignition")
    place = child(section, "version")
    version = text_of(place)
    oldest = child(root, "ignitionVersion") if section is None else None
    if oldest is not None:
        return unknown_version(document, oldest, "ignition", "1")
    if section is None or version is None:
        return document.diagnostic(
            place or section or root, "PV201", "error", "no `ignition.version` says which spec this config is written in",
            'add {"ignition": {"version": "' + newest("ignition").version + '"}}',
        )  # fmt: skip
    release = BY_NAME.get(("ignition", version)) or BY_NAME.get(("ignition2", version))
    if release is None:
        return unknown_version(document, place, "ignition", version)
    if not document.json:
        return document.diagnostic(
            root, "PV201", "error", "an Ignition config is JSON; this is YAML",
            "write it as Butane: `variant` and `version` instead of `ignition.version`, keys in snake case",
        )  # fmt: skip
    return release


def detect_butane(document: Document, root: MappingNode) -> Release | Diagnostic:
    """The variant and version of a Butane config."""
    place = child(root, "variant")
    variant = text_of(place)
    if not variant:
        return document.diagnostic(
            place or root, "PV201", "error", "no `variant` says which dialect this is",
            f"add `variant: fcos` (or {', '.join(list(BUTANE)[1:])}) and `version: {newest('fcos').version}`",
        )  # fmt: skip
    if variant not in BUTANE:
        meant = "openshift" if variant == "rhcos" else nearest(variant, list(BUTANE))
        hint = f"did you mean `{meant}`?" if meant else None
        return document.diagnostic(
            place, "PV201", "error", f"`{variant}` is no variant; known are {', '.join(BUTANE)}", hint
        )
    at = child(root, "version")
    version = text_of(at)
    if not version:
        hint = f"add `version: {newest(variant).version}`"
        return document.diagnostic(at or root, "PV202", "error", f"no `version` says which {variant} this is", hint)
    return BY_NAME.get((variant, version)) or unknown_version(document, at, variant, version)


def unknown_version(document: Document, place: object, dialect: str, version: str) -> Diagnostic:
    """A version that does not exist, with those that do."""
    known = [release.version for release in releases_of(dialect)]
    if dialect == "ignition" and version.partition(".")[0] == "1":
        hint = "Ignition 1 ended in 2016; write the config anew as Butane or Ignition 3"
    elif dialect == "ignition" and version.startswith("2."):
        hint = f"known are {', '.join(release.version for release in releases_of('ignition2'))}"
    elif f"{version}-experimental" in known:
        hint = f"it is still called {version}-experimental"
    elif f"{version}.0" in known:
        hint = f"write all three numbers: {version}.0"
    elif not SEMVER.fullmatch(version):
        hint = f"a version has three numbers, for example {newest(dialect).version}"
    else:
        hint = f"known are {known[0]} to {known[-1]}; the newest stable one is {newest(dialect).version}"
    return document.diagnostic(place, "PV202", "error", f"{dialect} has no version {version}", hint)
