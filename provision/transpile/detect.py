"""Which dialect and release a document is written in: found from its content."""

import re

from ruamel.yaml.nodes import MappingNode

from provision.diagnostics import Diagnostic, declare, nearest
from provision.document import Document
from provision.document.nodes import child, text_of
from provision.versions import BUTANE, BY_NAME, Release, newest, releases_of

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

SEMVER = re.compile(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")
# Other formats by what gives them away; the text says how far we are with them.
RECOGNISED = (
    (re.compile(r"\A\ufeff?#cloud-config\b"), "this is a cloud-config, which can't be read yet"),
    (re.compile(r"^[\"']?kind[\"']?:\s*[\"']?MachineConfig\b", re.M), "this is a MachineConfig, which can't be read yet; Butane's openshift variant makes one"),
    (re.compile(r"\A\ufeff?#!"), "this is a script"),
)  # fmt: skip


def detect(document: Document) -> Release | Diagnostic:
    """The release that a document is written in, or why it can't be told."""
    root = document.root
    if not isinstance(root, MappingNode):
        what = "the document is empty" if not document.text.strip() else "a config is a mapping of keys to values"
        return document.diagnostic(
            root, "PV201", "error", what, "a Butane config starts with `variant:` and `version:`"
        )
    ignition = child(root, "ignition")
    if child(root, "variant") is None and (document.json or child(ignition, "version") is not None):
        return detect_ignition(document, root)
    return detect_butane(document, root)


def is_recognised(document: Document) -> bool:
    """Whether a document claims to be one of ours, so that a search through folders takes it up."""
    root = document.root
    return child(root, "variant") is not None or child(child(root, "ignition"), "version") is not None


def detect_ignition(document: Document, root: MappingNode) -> Release | Diagnostic:
    """The spec of an Ignition config."""
    section = child(root, "ignition")
    place = child(section, "version")
    version = text_of(place)
    if section is None or version is None:
        return document.diagnostic(
            place or section or root, "PV201", "error", "no `ignition.version` says which spec this config is written in",
            'add {"ignition": {"version": "' + newest("ignition").version + '"}}',
        )  # fmt: skip
    release = BY_NAME.get(("ignition", version))
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
        known = next((said for pattern, said in RECOGNISED if pattern.search(document.text)), None)
        said = known or "no `variant` says which dialect this is"
        hint = (
            None
            if known
            else f"add `variant: fcos` (or {', '.join(list(BUTANE)[1:])}) and `version: {newest('fcos').version}`"
        )
        return document.diagnostic(place or root, "PV201", "error", said, hint)
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
    if dialect == "ignition" and version.startswith(("1.", "2.")):
        hint = "Ignition 2 configs can't be read yet"
    elif f"{version}-experimental" in known:
        hint = f"it is still called {version}-experimental"
    elif f"{version}.0" in known:
        hint = f"write all three numbers: {version}.0"
    elif not SEMVER.fullmatch(version):
        hint = f"a version has three numbers, for example {newest(dialect).version}"
    else:
        hint = f"known are {known[0]} to {known[-1]}; the newest stable one is {newest(dialect).version}"
    return document.diagnostic(place, "PV202", "error", f"{dialect} has no version {version}", hint)
