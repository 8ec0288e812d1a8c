"""How a comparison is shown: as text, as JSON and as Markdown, whatever is in the configs."""

import json
from typing import Any

import pytest
from markdown_it import MarkdownIt

from provision.comparison import as_json, as_markdown, as_text
from provision.comparison.changes import HIDDEN, Change, Comparison, Field, Group, Text, tally

CHANGES = (
    Change("kernel argument", "quiet", "added", (Field("on the command line", None, "yes"),)),
    Change("user", "core", "changed", (Field("groups", "sudo", None, True), Field("groups", None, "wheel", True), Field("shell", None, "/bin/sh"), Field("password_hash", HIDDEN, HIDDEN))),
    Change(
        "file", "/etc/motd", "changed", (Field("mode", "0644", "0755"),),
        (Text("contents", ("@@ -1,2 +1,2 @@", " a", "-b\told", "+b\tnew")),),
    ),
    Change("file", "/etc/secret", "removed", (Field("mode", "0600", None), Field("contents", HIDDEN, None))),
)  # fmt: skip
ONE = Comparison("a.bu", "b.bu", (Group(("b.bu",), CHANGES),))
FOLDERS = Comparison(
    "a", "b", (Group(("web-1", "web-2"), CHANGES[:1]), Group(("db",), CHANGES[3:])), ("new",), ("gone",), 7, ("odd",), True
)  # fmt: skip
HOSTILE = "x`y``</details>\n# @all\x1b[31m \u202e<script>"


def tokens(comparison: Comparison) -> list[Any]:
    """What a reader of Markdown makes of it, down to the words."""
    flat = []
    for token in MarkdownIt().parse(as_markdown(comparison)):
        flat += [token, *(token.children or ())]
    return flat


def test_text_has_a_sign_for_each_subject_and_the_diff_below_it() -> None:
    assert as_text(ONE).splitlines() == [
        "kernel arguments",
        "  + kernel argument quiet",
        "      on the command line: yes",
        "accounts",
        "  ~ user core",
        "      groups: - sudo",
        "      groups: + wheel",
        "      shell: not set → /bin/sh",
        "      password_hash: changed, not shown",
        "files",
        "  ~ file /etc/motd",
        "      mode: 0644 → 0755",
        "      @@ -1,2 +1,2 @@",
        "       a",
        "      -b\told",
        "      +b\tnew",
        "  - file /etc/secret",
        "      mode: 0600",
        "      contents: not shown",
    ]
    assert tally(ONE) == "2 changed, 1 added, 1 removed"


def test_text_of_folders_names_the_configs_that_differ_alike() -> None:
    assert as_text(FOLDERS).splitlines() == [
        "+ new", "- gone", "", "web-1, web-2:", "  kernel arguments", "    + kernel argument quiet",
        "        on the command line: yes", "", "db:", "  files", "    - file /etc/secret", "        mode: 0600",
        "        contents: not shown",
    ]  # fmt: skip
    assert tally(FOLDERS) == "3 changed, 1 added, 1 removed, 1 not compared, 7 the same"


def test_text_can_have_colours_and_do_with_ascii() -> None:
    assert "\x1b[32m      +b\tnew" not in as_text(ONE, color=True)
    assert "\x1b[32m+b\tnew\x1b[0m" in as_text(ONE, color=True)
    assert "\x1b" not in as_text(ONE)
    assert as_text(ONE, ascii=True).isascii()


@pytest.mark.parametrize("place", ["name", "field", "text", "config"])
def test_nothing_in_a_config_drives_the_terminal_or_becomes_markup(place: str) -> None:
    change = Change(
        "file", HOSTILE if place == "name" else "/a", "changed",
        (Field("mode", "1", HOSTILE if place == "field" else "2"),),
        (Text("contents", ("+```", "+" + HOSTILE.replace("\n", "") if place == "text" else "+x")),),
    )  # fmt: skip
    found = Comparison("a", "b", (Group((HOSTILE if place == "config" else "b",), (change,)),), is_folder=True)
    for text in (as_text(found), as_markdown(found)):
        assert "\x1b" not in text
        assert "\u202e" not in text
    # The words can be markup only where they are no code.
    words = [token for token in tokens(found) if token.type not in ("code_inline", "fence", "inline")]
    assert not [token for token in words if "script" in token.content or "@all" in token.content]
    assert [token for token in tokens(found) if token.type == "fence" and "+```" in token.content]


def test_markdown_is_a_list_with_fenced_diffs() -> None:
    text = as_markdown(ONE)
    assert text.startswith(
        "**2 changed, 1 added, 1 removed**\n\n#### Kernel arguments\n\n- **added** kernel argument `quiet`\n"
    )
    assert "- **changed** file `/etc/motd`\n  - `mode`: `0644` → `0755`\n\n  ```diff\n  @@ -1,2 +1,2 @@\n" in text
    assert "`groups`: removed `sudo`\n  - `groups`: added `wheel`\n  - `shell`: not set → `/bin/sh`\n" in text
    assert "`password_hash`: changed, not shown" in text
    (fence,) = (token for token in tokens(ONE) if token.type == "fence")
    assert (fence.info, fence.content) == ("diff", "@@ -1,2 +1,2 @@\n a\n-b\told\n+b\tnew\n")


def test_markdown_of_folders_names_what_is_new_and_gone() -> None:
    text = as_markdown(FOLDERS)
    assert text.startswith(
        "**3 changed, 1 added, 1 removed, 1 not compared, 7 the same**\n\nAdded: `new`\n\nRemoved: `gone`\n"
    )
    assert "\n### `web-1`, `web-2`\n" in text


def test_long_diffs_are_folded_and_a_comment_is_never_too_long() -> None:
    def long(lines: int, changes: int) -> Comparison:
        text = Text("contents", tuple(f"+line {number}" for number in range(lines)))
        each = tuple(Change("file", f"/f{number}", "added", (), (text,)) for number in range(changes))
        return Comparison("a", "b", (Group(("b",), each),))

    assert "<details><summary>31 lines</summary>" in as_markdown(long(31, 1))
    assert "<details>" not in as_markdown(long(30, 1))
    assert "(600 more lines)" in as_markdown(long(1000, 1))
    text = as_markdown(long(400, 1000))
    assert len(text) < 65_536
    assert "more blocks had no room here; `provision diff` shows all._" in text
    many = Comparison("a", "b", (), tuple(f"web-{number}" for number in range(10_000)), is_folder=True)
    assert as_markdown(many).endswith("`web-19` and 9980 more\n")


def test_nothing_is_a_sentence_in_markdown_and_silence_in_text() -> None:
    assert as_text(Comparison("a", "b")) == ""
    assert as_markdown(Comparison("a", "b")) == "**Nothing differs**\n"


def test_json_has_all_of_it() -> None:
    found = json.loads(as_json(FOLDERS))
    assert {name: found[name] for name in found if name != "changed"} == {
        "old": "a", "new": "b", "same": False, "added": ["new"], "removed": ["gone"], "unchanged": 7, "failed": ["odd"],
    }  # fmt: skip
    assert found["changed"][0] == {
        "configs": ["web-1", "web-2"],
        "changes": [
            {
                "section": "kernel arguments", "kind": "kernel argument", "name": "quiet", "change": "added",
                "fields": [{"name": "on the command line", "old": None, "new": "yes", "is_element": False}], "texts": [],
            }
        ],
    }  # fmt: skip
    motd = json.loads(as_json(ONE))["changed"][0]["changes"][2]
    assert motd["texts"] == [{"name": "contents", "diff": ["@@ -1,2 +1,2 @@", " a", "-b\told", "+b\tnew"]}]
