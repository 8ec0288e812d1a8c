"""Which boot is the first one: a table of what is said and found, with the verdict and its reason."""

import pytest

from provision.apply import kernel_command_line
from provision.apply.first_boot.recognition import Target, decide

NEW, DONE, CUT = Target(), Target("2026-01-02T03:04:05Z"), Target("", True)
DONE_AND_CUT = Target("2026-01-02T03:04:05Z", True)
STAMP = ("/dev/disk/by-label/boot:/provision.firstboot",)
WORD = "root=LABEL=root provision.firstboot"


@pytest.mark.parametrize(
    ("command_line", "stamps", "target", "is_first", "reason"),
    [
        ("root=LABEL=root", (), NEW, False, "nothing asks for a first boot"),
        ("root=LABEL=root", (), None, False, "nothing asks for a first boot"),
        ("", (), DONE, False, "nothing asks for a first boot"),
        (WORD, (), NEW, True, "the kernel command line has provision.firstboot"),
        ("ignition.firstboot=1", (), NEW, True, "the kernel command line has ignition.firstboot"),
        (WORD, (), None, True, "could not be looked at"),
        (WORD, (), DONE, False, "was provisioned already, 2026-01-02T03:04:05Z"),
        ("", STAMP, NEW, True, "there is /dev/disk/by-label/boot:/provision.firstboot"),
        ("", STAMP, None, True, "there is /dev/disk/by-label/boot:/provision.firstboot"),
        # Somebody has put it there since.
        (WORD, STAMP, DONE, True, "there is /dev/disk/by-label/boot:/provision.firstboot"),
        ("", (), CUT, True, "was cut off and goes on"),
        (WORD, (), DONE_AND_CUT, True, "was cut off and goes on"),
        ("provision.firstboot=0", (), NEW, False, "nothing asks"),
        ("provision.firstboot=0", STAMP, NEW, True, "there is"),
        ("provision.firstboot ignition.firstboot", (), NEW, True, "provision.firstboot and ignition.firstboot"),
    ],
)
def test_a_boot_is_judged(
    command_line: str, stamps: tuple[str, ...], target: Target | None, is_first: bool, reason: str
) -> None:
    verdict = decide(command_line, stamps, target)
    assert verdict.is_first == is_first
    assert reason in verdict.reason


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("quiet provision.firstboot", ["provision.firstboot"]),
        ("provision.firstboot=1 provision.firstboot=off", []),
        ("provision.firstboot=off provision.firstboot", ["provision.firstboot"]),
        ("provision.firstboot=", []),
        ("ignition.firstboot=no", []),
        ("ignition.firstboot=yes provision.firstboot=0", ["ignition.firstboot"]),
        ("xprovision.firstboot provision.firstbootx", []),
    ],
)
def test_the_last_word_of_each_name_counts(text: str, words: list[str]) -> None:
    assert kernel_command_line.first_boot_words(text) == words
