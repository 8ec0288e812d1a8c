"""The two sides of a comparison: files or folders, the configs in them, and which belong together."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from provision.comparison.changes import Change, Text
from provision.comparison.embedded import resolved
from provision.comparison.subjects import Subject, compare
from provision.diagnostics import Diagnostic, ProvisionError
from provision.ignition import Config, upgrade
from provision.inputs import STDIN, STDIN_NAME, SURE_SUFFIXES, files_of, read_input
from provision.inspection import NO_CONFIG, config_of, head, readable
from provision.templates.configs import SUFFIX, compile_all_of
from provision.transpile.author import Options
from provision.transpile.compile import Compiled
from provision.transpile.detect import is_recognised


class Side(NamedTuple):
    """A file or a folder: the paths of its files by their names below it, and how what is in them is read."""

    path: str
    files: dict[str, str]
    options: Options
    is_folder: bool


class Pair(NamedTuple):
    """What is compared: a config's name, and where it is on either side; None where it is not."""

    name: str
    old: str | None
    new: str | None
    old_options: Options
    new_options: Options


class Compared(NamedTuple):
    """What comparing a pair gave. With errors nothing was compared; a file that is no config at all is not `known`."""

    pair: Pair
    changes: tuple[Change, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    sources: tuple[tuple[str, str], ...] = ()
    error: str | None = None
    known: bool = True

    @property
    def failed(self) -> bool:
        """Whether nothing could be compared."""
        return bool(self.diagnostics or self.error)


def side_of(path: str, options: Options) -> Side:
    """A file, standard input, or all files of a folder that may hold a config."""
    if path == STDIN or not os.path.isdir(path):
        return Side(STDIN_NAME if path == STDIN else path, {"": path}, options, False)
    files = {os.path.relpath(file, path): file for file, _ in files_of([path])}
    return Side(path, files, options, True)


def pairs_of(old: Side, new: Side) -> Iterator[Pair]:
    """The files that belong together, sorted by name: of one name, else of one that differs in its ending alone."""
    partners = {name: name for name in old.files if name in new.files}
    left = [[name for name in side.files if name not in partners] for side in (old, new)]
    ends = [stems(names) for names in left]
    partners |= {name: ends[1][stem] for stem, name in ends[0].items() if stem in ends[1]}
    taken = set(partners.values())
    found = [(name, partners.get(name)) for name in old.files]
    both: list[tuple[str | None, str | None]] = [*found, *((None, name) for name in new.files if name not in taken)]
    common = Counter(stem_of(before or after or "") for before, after in both)
    for before, after in sorted(both, key=lambda names: names[0] or names[1] or ""):
        name = before or after or ""
        title = stem_of(name) if common[stem_of(name)] == 1 else name
        yield Pair(
            title, None if before is None else old.files[before], None if after is None else new.files[after],
            old.options, new.options,
        )  # fmt: skip


def stem_of(name: str) -> str:
    """A file's name without its ending, and without that of a template."""
    return os.path.splitext(name.removesuffix(SUFFIX))[0]


def stems(names: Iterable[str]) -> dict[str, str]:
    """Names by what is before their ending, where that tells them apart."""
    known = list(names)
    number = Counter(map(stem_of, known))
    return {stem_of(name): name for name in known if number[stem_of(name)] == 1}


def compare_pair(pair: Pair) -> Compared:
    """Compare one pair of a folder's files. What is on one side alone is only looked at where it may be no config."""
    paths = [path for path in (pair.old, pair.new) if path is not None]
    try:
        data = [read_input(path) for path in paths]
        is_sure = any(path.endswith(SURE_SUFFIXES) for path in paths)
        if is_sure and (len(data) == 1 or (data[0] == data[1] and pair.old_options == pair.new_options)):
            return Compared(pair)
        sides = [Read(*each) for each in zip(paths, options_of(pair), strict=True)]
        if not is_sure and not any(side.is_recognised for side in sides):
            return Compared(pair, known=False)
        return Compared(pair) if len(sides) == 1 else compared(pair, *sides)
    except ProvisionError as error:
        return Compared(pair, error=str(error))
    except Exception as error:
        error.add_note(f"while comparing {pair.name}")
        raise


def options_of(pair: Pair) -> list[Options]:
    """How each side that is there is read."""
    sides = ((pair.old, pair.old_options), (pair.new, pair.new_options))
    return [options for path, options in sides if path is not None]


class Read:
    """What one file holds; ProvisionError for one that can't be read."""

    def __init__(self, path: str, options: Options) -> None:
        self.name = STDIN_NAME if path == STDIN else path
        self.found = compile_all_of(path, self.name, options)

    @property
    def is_recognised(self) -> bool:
        """Whether anything in the file claims to be a config."""
        return any(is_recognised(one.document) for one in self.found)

    def errors(self) -> list[Diagnostic]:
        """Why the file can't be compared."""
        return [found for one in self.found for found in one.diagnostics if found.severity == "error"]

    def subjects(self) -> dict[str, Subject]:
        """The configs of the file, by name where it holds several; ProvisionError where it has none."""
        configs = readable(self.found)
        if not configs:
            raise ProvisionError(f"{self.name}: {NO_CONFIG}", exit_code=2)
        return {name_in(one, len(configs)): subject_of(one) for one in configs}


def name_in(one: Compiled, number: int) -> str:
    """What a config is called among others in its file."""
    from provision.transpile.objects import name_of

    return "" if number == 1 else name_of(one.root)


def subject_of(one: Compiled) -> Subject:
    """A config as it is compared."""
    named = head(one)
    config = config_of(one)
    if one.author is not None:
        config = upgrade(config, one.author.spec)
    return Subject(resolved(config), dialect_of(one), str(named["spec"]), one.root)


def dialect_of(one: Compiled) -> str:
    """The dialect, without its version."""
    return one.release.dialect if one.release else ""


def compared(pair: Pair, old: Read, new: Read) -> Compared:
    """Compare two files that could be read."""
    errors = [*old.errors(), *new.errors()]
    if errors:
        sources = {name: text for side in (old, new) for one in side.found for name, text in one.sources.items()}
        return Compared(pair, (), tuple(errors), tuple(sources.items()))
    sides = [old.subjects(), new.subjects()]
    if all(len(side) == 1 for side in sides):
        found = compare(*(next(iter(side.values())) for side in sides))
    else:
        found = tuple(inner_changes(*sides))
    hides = [one.hide for side in (old, new) for one in side.found if one.hide is not None]
    return Compared(pair, tuple(without_secrets(change, hides) for change in found) if hides else found)


def without_secrets(change: Change, hides: list[Callable[[str], str]]) -> Change:
    """A change without the secrets that templates were given."""

    def hidden(text: str) -> str:
        for hide in hides:
            text = hide(text)
        return text

    def shown(value: str | None) -> str | None:
        return None if value is None else hidden(value)

    return change._replace(
        name=hidden(change.name),
        fields=tuple(
            each._replace(name=hidden(each.name), old=shown(each.old), new=shown(each.new)) for each in change.fields
        ),
        texts=tuple(Text(each.name, tuple(map(hidden, each.lines))) for each in change.texts),
    )


def inner_changes(old: dict[str, Subject], new: dict[str, Subject]) -> Iterator[Change]:
    """What differs in files with several configs: in each of them, by its name."""
    nothing = Subject(Config())
    for name in dict.fromkeys((*old, *new)):
        for change in compare(old.get(name, nothing), new.get(name, nothing)):
            yield change._replace(name=f"{name}: {change.name}" if name else change.name)
