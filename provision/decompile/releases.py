"""Which release of a variant can hold a config, and what it can't hold where none can."""

from collections.abc import Iterator

from provision.diagnostics import Diagnostic, declare
from provision.ignition import Config, Ignition, without_special_bits
from provision.record import Record, Row, Spec, transform, walk
from provision.schema.dialects import EXTENSIONS, first_release_with, view_of
from provision.schema.rules import check
from provision.transpile.author import Author
from provision.transpile.butane import support
from provision.transpile.butane.openshift import OpenShift, adds_cipher, with_fips_cipher
from provision.transpile.source_rules import check_source
from provision.versions import Dialect, Release, releases_of, version_key

declare(
    "PV678", "error", "beyond the variant",
    """A config that is turned into Butane has only what a release of the variant has.

    Choose another variant with `--variant`, or take the field away. Source: Butane 0.29, the specifications of the variants.
    """, silenceable=False,
)  # fmt: skip

# Where configs of a dialect went when their operating system ended, or where they are at home.
HOME: dict[Dialect, Dialect] = {
    "machineconfig": "openshift", "machineconfig2": "openshift", "openshift": "openshift", "flatcar": "flatcar", "r4e": "r4e", "fiot": "fiot",
    "clc": "flatcar", "cloud-config": "flatcar", "ignition2": "flatcar",
}  # fmt: skip
# The first spec in which the special bits of a mode have an effect.
SPECIAL_BITS: Spec = (3, 6)
# Follows from the version of the document.
VERSION = Ignition.rows["version"]


def candidates(variant: Dialect, at: Spec) -> list[Release]:
    """The releases of a variant in the order in which they suit a config of the spec `at`.

    First those of its own spec, the newest first; then stable ones of later specs, the nearest first; then stable ones
    of earlier specs, which have what a config without later keys needs; experimental ones last.
    """

    def distance(release: Release) -> tuple[object, ...]:
        apart = release.spec[1] - at[1]
        later = release.spec >= at
        newest_first = tuple(-part for part in version_key(release.version))
        return release.spec != at, "-" in release.version, not later, abs(apart), newest_first

    return sorted(releases_of(variant), key=distance)


def release_for(config: Config, author: Author, variant: Dialect) -> tuple[Release, list[Diagnostic]]:
    """The first release that can hold the whole config; where none can, the one that lacks least, and what it lacks."""
    best: tuple[Release, list[Diagnostic]] | None = None
    for release in candidates(variant, author.spec):
        found = problems(config, release, author)
        if best is None or len(found) < len(best[1]):
            best = release, found
        if not found:
            break
    assert best is not None, f"{variant} has no release"
    return best


def problems(config: Config, release: Release, author: Author) -> list[Diagnostic]:
    """What a release can't hold of a config, or would make something else of."""
    judge = Author(author.document, release, author.options, author.compile_local)
    for record, row in unknown_fields(config, release):
        first = first_release_with(type(record), row.snake, release.dialect)
        said = f"exists from {first.name} on" if first else f"exists in no release of {release.dialect}"
        judge.complain("PV678", "error", record, row.name, f"`{row.snake}` {said}")
    support.check(config, judge)
    judge.report(found for found in check_source(config, release) if found.severity == "error")
    if release.spec != author.spec:
        told = {found.code for found in check(config, author.spec)}
        new = [found for found in check(config, release.spec) if found.code not in told]
        # What an older spec only warns of can be that it ignores a value.
        judge.report(found for found in new if found.severity == "error" or release.spec < author.spec)
    openshift: OpenShift | None = config.extra("openshift")
    if openshift is not None and openshift.fips and adds_cipher(release):
        for volume in config.storage.luks:
            if with_fips_cipher(volume, openshift, judge) is not volume:
                why = f"{release.name} would add a cipher for FIPS mode to the options of `{volume.name}`"
                judge.complain("PV678", "error", volume, "options", why, "name a cipher in the options of the volume")
    return judge.diagnostics


def unknown_fields(config: Config, release: Release) -> Iterator[tuple[Record, Row]]:
    """The fields with something in them that a release does not have."""
    hidden: dict[type[Record], list[Row]] = {}
    view = view_of(release)
    for record in walk(config):
        cls = type(record)
        if cls not in hidden:
            shown = {row.name for row in view[cls].values()}
            hidden[cls] = [row for row in cls.rows.values() if row.name not in shown and row is not VERSION]
        for row in hidden[cls]:
            value = record.__dict__.get(row.name)
            if value not in (None, ()) and not (isinstance(value, Record) and value.empty()):
                yield record, row


def adapted(config: Config, at: Spec, release: Release) -> Config:
    """A config of the spec `at` with the same meaning in the spec of a release."""
    if not at < SPECIAL_BITS <= release.spec:
        return config
    storage = config.storage
    files, directories = map(without_special_bits, storage.files), map(without_special_bits, storage.directories)
    return config.changed(storage=storage.changed(files=tuple(files), directories=tuple(directories)))


def without_sugar(config: Config) -> Config:
    """The config without the keys of its dialect, which have been expanded."""
    classes = [below for cls in EXTENSIONS for below in (cls, *cls.__subclasses__())]
    return transform(
        config, dict.fromkeys(classes, lambda record: record.changed(_extras={}) if record.extras else record)
    )
