"""A finished config in another version of Ignition: any 3.x, or down to 2.4.0, 2.3.0 and 2.2.0.

What the target does not have follows from the rows; what is spelled alike and means something else stands in tables. All
of that is an error at the author's line, or with `--lossy` a warning, and is left out. What comes out is held to the rules
of its own version. Source: Ignition 2.26, `config/v3_*/translate` for the way up.
"""

from collections.abc import Iterator

from provision.diagnostics import ProvisionError, declare
from provision.ignition import SPECS, Clevis, Config, Directory, File, Luks, full_version, upgrade, without_special_bits
from provision.record import Record, Spec, spec, transform, walk
from provision.schema import ignition2
from provision.schema.rules import Violation, check
from provision.transpile.author import Author
from provision.transpile.ignition2 import upgrade as ignition2_upgrade
from provision.transpile.ignition2.carrying import refuse
from provision.transpile.ignition2.downgrade import downgrade
from provision.transpile.newer_fields import without_newer
from provision.versions import TARGETS

declare(
    "PV213", "error", "value that means something else in the target",
    """A config that is written for another Ignition means there what it means here.

    Setuid, setgid and sticky bits have no effect before Ignition 3.6.0; in Ignition 2 some values can't be written, or have
    another effect. `--lossy` leaves them out.
    """, silenceable=False,
)  # fmt: skip

SPECIAL_BITS = 0o7000
HONOURED: Spec = (3, 6)
# Sections that could be null from there on, and had to be null where they were empty before.
NULLABLE: Spec = (3, 3)
# The spec with which Ignition 2.4.0 has most in common.
NEAREST_TO_2: Spec = (3, 1)


def retarget(config: Config, author: Author) -> tuple[Record, Spec]:
    """The config in the version that the caller wants, checked by its rules, and that version."""
    target = author.options.target or author.target
    if target not in TARGETS:
        raise ProvisionError(
            f"no config can be written for Ignition {target}; known are {', '.join(TARGETS)}", exit_code=2
        )
    new = convert(config, author.spec, target, author)
    author.report(check(new, spec(target)))
    if isinstance(new, ignition2.Config):
        author.report(found for found in faults_of(new, author) if found.severity == "error")
    return new, spec(target)


def faults_of(config: ignition2.Config, author: Author) -> Iterator[Violation]:
    """What the rules of Ignition 3 say of a config of Ignition 2: it has no rules of its own for what both check."""
    silent = Author(author.document, author.release, author.options, author.compile_local)
    return check(ignition2_upgrade(config, silent), NEAREST_TO_2)


def convert(config: Config, source: Spec, target: str, author: Author) -> Record:
    """A config of the spec `source` as one of the version `target`: an `ignition.Config`, or one of `ignition2`."""
    at = spec(target)
    if at < spec(SPECS[0]):
        near = lowered(config, source, NEAREST_TO_2, target, author)
        return downgrade(near, target, author)
    if at < source:
        return lowered(config, source, at, target, author)
    return raised(config, source, at)


def raised(config: Config, source: Spec, at: Spec) -> Config:
    """The config in a newer spec. Every field is there; what an old value meant stays so."""
    if source < HONOURED <= at:
        config = upgrade(config, source)
    return config.changed(ignition=config.ignition.changed(version=full_version(at)))


def lowered(config: Config, source: Spec, at: Spec, target: str, author: Author) -> Config:
    """The config in an older spec; `target` is how the version is called to the author."""
    if at < HONOURED <= source:
        config = without_effectless_bits(config, target, author)
    config = without_newer(config, at, target, author)
    if at < NULLABLE:
        config = transform(config, {Luks: with_clevis_or_null, Clevis: with_custom_or_null})
    return config.changed(ignition=config.ignition.changed(version=full_version(at)))


def without_effectless_bits(config: Config, target: str, author: Author) -> Config:
    """The config without the bits of modes that the target ignores; each is told."""
    for node in walk(config.storage):
        if isinstance(node, (File, Directory)) and (node.mode or 0) & SPECIAL_BITS:
            message = f"setuid, setgid and sticky bits have no effect in Ignition {target}; the mode is {node.mode:#o}"
            refuse(author, "PV213", node, "mode", message, "set them at boot: in a unit, or with systemd-tmpfiles")
    return transform(config, {File: without_special_bits, Directory: without_special_bits})


def with_clevis_or_null(luks: Luks) -> Luks:
    """The volume without a Clevis section that says nothing."""
    return luks.changed(clevis=None) if luks.clevis is not None and luks.clevis.empty() else luks


def with_custom_or_null(clevis: Clevis) -> Clevis:
    """The section without a custom pin that says nothing."""
    return clevis.changed(custom=None) if clevis.custom is not None and clevis.custom.empty() else clevis
