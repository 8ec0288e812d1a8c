"""`provision diff`: what differs between two configs of any dialects, or between the configs of two folders.

`sides` finds and compiles what is compared; `subjects` says what a config is about, `records` and `contents` compare it;
`changes` holds what was found, and `folders` puts it together. `text`, `markdown` and `as_json` show it. Nothing is
fetched, and no secret is shown.
"""

from collections.abc import Callable

from provision.comparison.as_json import as_json
from provision.comparison.changes import Comparison, tally
from provision.comparison.folders import Result, compare_paths
from provision.comparison.markdown import as_markdown
from provision.comparison.text import as_text

__all__ = ["WRITERS", "Comparison", "Result", "as_json", "as_markdown", "as_text", "compare_paths", "tally"]

# What `--format` takes beside text.
WRITERS: dict[str, Callable[[Comparison], str]] = {"json": as_json, "markdown": as_markdown}
