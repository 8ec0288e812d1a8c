"""Rules about what only an author can write: sugar keys, spellings. Checked before the sugar is expanded.

They look like the rules of `schema.rules`, but a second parameter takes the release, and `variants` limits them to
dialects from a release on.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from provision.diagnostics import CODES, Code, Severity, declare
from provision.record import NEVER, OLDEST, Record, Spec, spec, walk
from provision.schema.rules import C, Finding, Violation, is_told
from provision.versions import Release, version_key


class SourceRule(NamedTuple):
    """A check with the records, specs and dialects that it is for."""

    code: Code
    on: type[Record]
    since: Spec
    until: Spec
    variants: dict[str, str] | None
    check: Callable[[Any, Release], Iterator[Finding]]

    def holds_in(self, release: Release) -> bool:
        """Whether the rule is one of this release."""
        if not self.since <= release.spec < self.until:
            return False
        if self.variants is None:
            return True
        first = self.variants.get(release.dialect)
        return first is not None and version_key(release.version) >= version_key(first)


SOURCE_RULES: list[SourceRule] = []


def source_rule(
    code: str,
    severity: Severity,
    *,
    on: type[Record],
    since: str | None = None,
    until: str | None = None,
    variants: dict[str, str] | None = None,
) -> Callable[[C], C]:
    """Register a check of what the author wrote, with a manual for its docstring."""

    def register(check: C) -> C:
        row = CODES.get(code) or declare(code, severity, check.__name__, check.__doc__ or "")
        takes_release = check.__code__.co_argcount == 2
        call = check if takes_release else lambda record, release: check(record)
        SOURCE_RULES.append(
            SourceRule(row, on, spec(since) if since else OLDEST, spec(until) if until else NEVER, variants, call)
        )
        return check

    return register


def check_source(root: Record, release: Release) -> Iterator[Violation]:
    """Run the source rules of a release over what was read."""
    rules = [rule for rule in SOURCE_RULES if rule.holds_in(release)]
    by_class: dict[type[Record], list[SourceRule]] = {}
    for record in walk(root, extras=True):
        found = by_class.get(type(record))
        if found is None:
            found = by_class[type(record)] = [rule for rule in rules if isinstance(record, rule.on)]
        if found and not record.broken:
            for rule in found:
                for finding in rule.check(record, release):
                    if not is_told(record, finding):
                        yield Violation(rule.code, finding.on or record, finding)
