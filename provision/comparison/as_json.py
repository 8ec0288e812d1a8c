"""A comparison for other programs: the JSON of `provision diff --format json`.

- `old`, `new`: what was compared; `same`: whether nothing differs
- `changed`: a list of {`configs`, `changes`}: configs that differ in the same way, and how. Of two files it has one
  element at most, with the name of NEW; configs of folders are called like their files, without what follows the last dot
- a change: `section`, `kind`, `name`, `change` (`added`, `removed`, `changed`), `fields` and `texts`
- a field: `name`, `old`, `new`: values as people read them; null where nothing is set, `…` for what is not shown;
  `is_element`: whether it is one of a list, there on one side alone
- a text: `name`, `diff` (the lines of a unified diff, without those that name the files)
- `added`, `removed`: configs of one folder alone; `unchanged`: how many do the same; `failed`: not compared
"""

import json
from typing import Any

from provision.comparison.changes import SECTION_OF, Change, Comparison


def as_json(comparison: Comparison) -> str:
    """All of it."""
    return json.dumps(plain(comparison), indent=2, ensure_ascii=False) + "\n"


def plain(comparison: Comparison) -> dict[str, Any]:
    """The comparison as plain values."""
    return {
        "old": comparison.old, "new": comparison.new, "same": not comparison.differs and not comparison.failed,
        "changed": [
            {"configs": list(group.names), "changes": [plain_change(change) for change in group.changes]}
            for group in comparison.groups
        ],
        "added": list(comparison.added), "removed": list(comparison.removed),
        "unchanged": comparison.same, "failed": list(comparison.failed),
    }  # fmt: skip


def plain_change(change: Change) -> dict[str, Any]:
    """One change as plain values."""
    return {
        "section": SECTION_OF[change.kind], "kind": change.kind, "name": change.name, "change": change.verb,
        "fields": [field._asdict() for field in change.fields],
        "texts": [{"name": text.name, "diff": list(text.lines)} for text in change.texts],
    }  # fmt: skip
