"""Unified diffs: what `patch` makes of them, and how long they take."""

import shutil
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from provision.comparison import texts
from provision.comparison.hiding import masked, shortened
from provision.comparison.texts import text_diff

PATIENCE_S = 20
LINES = st.lists(st.sampled_from(["a", "b", "c", "d e", "", "ä"]), max_size=12)
TEXTS = st.builds(lambda lines, end: "\n".join(lines) + end, LINES, st.sampled_from(["", "\n"]))


def patched(old: str, lines: tuple[str, ...], folder: Path) -> str:
    """What `patch` makes of a text."""
    file = folder / "file"
    file.write_bytes(old.encode())
    diff = "--- a/file\n+++ b/file\n" + "".join(f"{line}\n" for line in lines)
    done = subprocess.run(["patch", "-s", "-p1"], input=diff.encode(), cwd=folder, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout
    return file.read_bytes().decode() if file.exists() else ""


@pytest.mark.skipif(shutil.which("patch") is None, reason="patch is not installed")
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXTS, TEXTS)
@example("a\n" * 20 + "b", "b\n" + "a\n" * 20)
@example("", "a\n")
@example("a", "")
def test_patch_makes_the_new_text_of_the_old(tmp_path: Path, old: str, new: str) -> None:
    lines = text_diff("contents", old, new).lines
    assert bool(lines) == (old != new)
    if lines:
        assert patched(old, lines, tmp_path) == new


def test_few_changes_in_a_long_text_are_found() -> None:
    old = [f"line {number}\n" for number in range(60_000)]
    new = ["first\n", *old[:50_000], "other\n", *old[50_001:]]
    lines = text_diff("contents", "".join(old), "".join(new)).lines
    assert [line for line in lines if line[0] in "+-"] == ["+first", "-line 50000", "+other"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a\n" * 50_000, "b\n" + "a\n" * 49_990 + "b\n"),
        ("a\nb\n" * 20_000, "b\nb\na\n" * 15_000),
        ("".join(f"{n}\n" for n in range(40_000)), "".join(f"{n ^ 1}\n" for n in range(40_000))),
        ("x" * 3_000_000, "y" * 3_000_000),
        ("tokensecretpassword" * 50_000, "password=" * 100_000),
        ("a://" + "@" * 100_000, "$6$" * 100_000),
    ],
    ids=["repeated", "alternating", "swapped", "one-line", "words-of-secrets", "signs-of-secrets"],
)
def test_no_text_takes_long(old: str, new: str) -> None:
    start = time.monotonic()
    assert text_diff("contents", old, new).lines
    assert time.monotonic() - start < PATIENCE_S


def test_what_is_too_long_to_be_compared_is_told_as_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "MAX_PAIRS", 3)
    assert text_diff("contents", "a\nb\nb\nc\n", "a\nd\nb\nb\nd\nc\n").lines == (
        "@@ -1,4 +1,6 @@", " a", "-b", "-b", "+d", "+b", "+b", "+d", " c",
    )  # fmt: skip


@given(st.text())
def test_masking_keeps_what_is_no_secret(line: str) -> None:
    found = masked(line)
    assert found == line or "…" in found
    assert masked(found) == found


def test_a_long_value_is_told_by_its_beginning_and_hash() -> None:
    assert shortened("a" * 200) == "a" * 200
    one, other = (shortened("a" * 300 + end) for end in "bc")
    assert one.startswith("a" * 100 + "… (301 characters, sha256 ")
    assert one != other
