"""What a config may ask for and a root directory has no place for: refused before anything is written."""

from provision.ignition import Config
from provision.typed import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:  # the command line needs no more than the names
    from provision.apply.plan.draft import Draft


class Section(NamedTuple):
    """A part of a config, by the name that `--skip` takes and by the key that people know."""

    name: str
    key: str
    entries: int
    is_built: bool = False


def sections(config: Config) -> tuple[Section, ...]:
    """The sections that can be left out, with the number of their entries."""
    storage, passwd, arguments = config.storage, config.passwd, config.kernel_arguments
    return (
        Section("passwd", "passwd", len(passwd.groups) + len(passwd.users), is_built=True),
        Section("kernel_arguments", "kernelArguments", len(arguments.should_exist) + len(arguments.should_not_exist)),
        Section("disks", "storage.disks", len(storage.disks)),
        Section("raid", "storage.raid", len(storage.raid)),
        Section("luks", "storage.luks", len(storage.luks)),
        Section("filesystems", "storage.filesystems", len(storage.filesystems)),
    )


SKIPPABLE = tuple(section.name for section in sections(Config()))


def refuse_unsupported(config: Config, draft: "Draft", skip: frozenset[str], handled: frozenset[str]) -> None:
    """Refuse what a root directory has no place for, unless it is skipped or handled; say what is left out."""
    for section in sections(config):
        if section.entries and section.name in skip:
            draft.note(f"{section.key}: left out, as --skip {section.name} says")
        elif section.entries and not section.is_built and section.name not in handled:
            draft.refuse(
                f"{section.key}: a directory has no disks or boot loader; leave out with --skip {section.name}"
            )
