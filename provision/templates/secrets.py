"""Secret values, and every form of them that must not be shown."""

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from provision.diagnostics import Diagnostic

HIDDEN = "…"
# A shorter text stands in too many others; a word of two letters is no secret that can be kept.
SHORTEST = 3
# Lines of a long secret, such as those of a key, are hidden each by itself, for they may be indented.
SHORTEST_LINE = 8


class Secrets:
    """A set of secrets that hides them in texts."""

    def __init__(self, values: Iterable[object] = ()) -> None:
        self.texts: set[str] = set()
        self.pattern: re.Pattern[str] | None = None
        for value in values:
            self.add(value)

    def __bool__(self) -> bool:
        return bool(self.texts)

    def __contains__(self, text: str) -> bool:
        return any(each in text for each in self.texts)

    def add(self, value: object) -> None:
        """Add a value, or all texts and numbers in it."""
        if isinstance(value, dict):
            for each in value.values():
                self.add(each)
        elif isinstance(value, list | tuple):
            for each in value:
                self.add(each)
        elif isinstance(value, str | int | float) and not isinstance(value, bool):
            self.texts.update(forms_of(str(value)))
            self.pattern = None

    def hide(self, text: str) -> str:
        """The text with `…` in place of every secret."""
        if not self.texts or not text:
            return text
        if self.pattern is None:
            longest_first = sorted(self.texts, key=lambda each: (-len(each), each))
            self.pattern = re.compile("|".join(map(re.escape, longest_first)))
        return self.pattern.sub(HIDDEN, text)

    def hide_in(self, diagnostic: Diagnostic) -> Diagnostic:
        """A diagnostic without secrets in its words."""
        if not self.texts:
            return diagnostic
        hint = self.hide(diagnostic.hint) if diagnostic.hint else diagnostic.hint
        path = self.hide(diagnostic.path) if diagnostic.path else diagnostic.path
        return diagnostic._replace(message=self.hide(diagnostic.message), hint=hint, path=path)

    def hide_all(self, texts: Mapping[str, str]) -> dict[str, str]:
        """Texts by file, without secrets."""
        return {file: self.hide(text) for file, text in texts.items()}


def forms_of(text: str) -> set[str]:
    """A secret as it is and as it may be written: in base64, escaped, in quotes, line by line."""
    if len(text) < SHORTEST:
        return set()
    data = text.encode("utf-8", "surrogateescape")
    forms = {
        text, text.strip(), b64encode(data).decode(), b64encode(data).decode().rstrip("="), b64encode(data + b"\n").decode(),
        quote(text, errors="surrogateescape"), quote(text, safe="", errors="surrogateescape"),
        json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], text.replace("'", "''"), repr(text)[1:-1],
    }  # fmt: skip
    lines = [line.strip() for line in text.splitlines()]
    if len(lines) > 1:
        forms.update(line for line in lines if len(line) >= SHORTEST_LINE)
    return {form for form in forms if len(form) >= SHORTEST}
