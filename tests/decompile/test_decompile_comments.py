"""The comments of a document go where what they speak of went; none is lost."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision.decompile.comments import comments_in
from provision.decompile.files import decompiled
from provision.document import read
from provision.transpile.author import Options
from provision.transpile.compile import compile_document

ROOT = Path(__file__).parent.parent.parent
SAMPLES = sorted((ROOT / "samples").glob("*.bu"))


def converted(text: str) -> str:
    found = decompiled(compile_document(text.encode(), "x.yaml"), "fcos")
    assert found.text is not None, found.diagnostics
    return found.text


def texts(text: str) -> list[str]:
    """The comments of a document, line by line, without their signs."""
    return [line.lstrip("# ") for comment in comments_in(read(text.encode(), "x.bu")) for line in comment.lines]


BUTANE = """# The first line.
# The second.

# A second block.
variant: fcos
version: 1.5.0

# Above a section.
storage:  # beside a section
  # Above a list.
  files:
    # Above an item.
    - path: /etc/a  # beside its first key
      mode: 0644 # 0644
      # Above a key.
      contents:
        inline: |  # beside a block
          # part of the text
          key: value # also part of it
      # Below the item.

    # Above the next item, apart.
    - path: "/etc/b # no comment"
      # mode: 0600
  # Below the list.
# Below all.
"""


def test_every_comment_stays_at_its_key() -> None:
    assert (
        converted(BUTANE)
        == """# The first line.
# The second.

# A second block.
variant: fcos
version: 1.5.0

# Above a section.
storage:  # beside a section
  # Above a list.
  files:
    # Above an item.
    - path: /etc/a  # beside its first key
      mode: 0644
      # Above a key.
      contents:
        inline: |  # beside a block
          # part of the text
          key: value # also part of it
      # Below the item.

    # Above the next item, apart.
    - path: "/etc/b # no comment"
      # mode: 0600
  # Below the list.

# Below all.
"""
    )


def test_a_comment_that_repeats_a_mode_in_octal_is_not_needed_any_more() -> None:
    text = "variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: /a\n      mode: 420 {}\n"
    assert texts(converted(text.format("# 0644"))) == []
    assert texts(converted(text.format("#644"))) == []
    assert texts(converted(text.format("# for all"))) == ["for all"]


def test_a_comment_whose_key_has_gone_says_which_it_was() -> None:
    text = "variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: /a\n      # From here.\n      x-note: y\n"
    assert "    # x-note: From here.\n    - path: /a\n" in converted(text)


def test_a_line_that_was_commented_out_is_left_as_it_is() -> None:
    text = "variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: /a\n      # mode: 0644\n      x-note: y\n"
    assert "    # mode: 0644\n    - path: /a\n" in converted(text)


def test_the_first_line_of_a_cloud_config_is_no_comment_of_it() -> None:
    text = converted("#cloud-config\n# A web server.\nhostname: web\n")
    assert text.startswith("# A web server.\nvariant: fcos\n")
    assert "cloud-config" not in text


def test_a_comment_behind_the_dash_of_an_item_is_above_the_item() -> None:
    text = converted(
        "# Container Linux Config\nsystemd:\n  units:\n    - # The first,\n      # in two lines.\n      name: a.service\n"
        "      enabled: true\n    -   # The second.\n      name: b.service\n      mask: true\n"
    )
    assert "    # The first,\n    # in two lines.\n    - name: a.service\n" in text
    assert "    # The second.\n    - name: b.service\n" in text


def test_of_several_objects_in_a_file_only_the_comments_of_the_one_come_through() -> None:
    pool = "# The pool.\napiVersion: machineconfiguration.openshift.io/v1\nkind: MachineConfigPool\nmetadata:\n  name: worker\n"
    machine = (ROOT / "samples" / "machineconfig" / "50-worker-chrony.yaml").read_text() + "# The end.\n"
    compiled = compile_document(f"{pool}---\n{machine}".encode(), "x.yaml")
    found = decompiled(compiled, "openshift")
    assert found.text is not None
    assert (texts(found.text)[-1], "The pool." in found.text) == ("The end.", False)


def test_of_an_archive_only_the_comments_of_configs_come_through() -> None:
    text = "#cloud-config-archive\n- |\n  #cloud-config\n  # One.\n  hostname: a\n- |\n  #!/bin/sh\n  # the script's\n  true\n"
    found = decompiled(compile_document(text.encode(), "x.yaml", Options(target_os="ubuntu")))
    assert found.text is not None
    assert [line for line in texts(found.text) if not line.startswith("from ")] == ["One."]


def test_a_comment_about_a_section_that_becomes_a_unit_stands_at_the_unit() -> None:
    text = converted("#cloud-config\nhostname: a\n\n# How this machine joins.\ncoreos:\n  fleet:\n    metadata: a=b\n")
    assert "    # How this machine joins.\n    - name: fleet.service\n" in text


def test_blank_lines_between_items_stay() -> None:
    text = "variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: /a\n\n    - path: /b\n    - path: /c\n\n  links:\n    - path: /d\n      target: e\n"
    assert converted(text) == text.replace("1.5.0\nstorage", "1.5.0\n\nstorage")


def test_a_blank_line_after_a_text_that_ends_in_some_is_not_added_to_it() -> None:
    text = "variant: fcos\nversion: 1.5.0\nsystemd:\n  units:\n    - name: a.service\n      contents: |+\n        [Unit]\n\n\n    # next\n    - name: b.service\n"
    again = converted(text)
    first = compile_document(again.encode(), "x.bu").config
    assert first is not None
    assert first.systemd.units[0].contents == "[Unit]\n\n\n"
    assert texts(again) == ["next"]


def test_json_has_no_comments() -> None:
    assert comments_in(read(b'{"a": "x # y"}', "x.ign")) == []


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_no_comment_of_a_sample_is_lost_and_none_is_made_up(path: Path) -> None:
    compiled = compile_document(path.read_bytes(), path.name, Options(str(ROOT / "samples" / "files")))
    found = decompiled(compiled)
    assert found.text is not None
    before = texts(path.read_text())
    after = [line for line in texts(found.text) if not line.startswith("from ")]  # those tell what was made of a key
    assert len(before) == len(after)
    for line in before:
        assert any(other == line or other.endswith(f": {line}") for other in after), line


@settings(max_examples=300)
@given(st.lists(st.integers(0, BUTANE.count("\n") - 1), max_size=6), st.integers(0, 12))
def test_wherever_a_comment_stands_it_comes_through_once_and_changes_nothing(lines: list[int], indent: int) -> None:
    split = BUTANE.split("\n")
    for i, line in enumerate(sorted(set(lines), reverse=True)):
        split.insert(line, " " * indent + f"# extra {i}")
    text = "\n".join(split)
    before = compile_document(text.encode(), "x.bu")
    if before.failed:
        return
    found = decompiled(before, "fcos")
    assert found.text is not None
    after = compile_document(found.text.encode(), "y.bu")
    assert not after.failed
    assert after.config == before.config
    assert Counter(texts(found.text)) == Counter(line for line in texts(text) if line != "0644")
