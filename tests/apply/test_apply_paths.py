"""True paths: what is kept of directories that were found before changes no answer."""

from hypothesis import given
from hypothesis import strategies as st

from provision.apply.paths import MISSING, Found, resolve
from provision.diagnostics import ProvisionError

LINKS = {
    "/a/up": Found("link", target=".."),
    "/a/round": Found("link", target="round"),
    "/b": Found("link", target="/a/b"),
    "/a/b/deep": Found("link", target="../../c/./d"),
}
NAMES = ("a", "b", "c", "up", "round", "deep", ".", "..", "")
PATHS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=6).map(lambda names: "/" + "/".join(names))


def answer(path: str, known: dict[str, str] | None, *, follow: bool) -> str:
    """The true path, or the complaint."""
    try:
        return resolve(path, lambda step: LINKS.get(step, MISSING), follow=follow, known=known)
    except ProvisionError as error:
        return str(error)


@given(st.lists(st.tuples(PATHS, st.booleans()), max_size=12))
def test_what_was_found_before_changes_no_answer(asked: list[tuple[str, bool]]) -> None:
    known: dict[str, str] = {}
    for path, follow in asked:
        assert answer(path, known, follow=follow) == answer(path, None, follow=follow)


def test_a_directory_is_looked_at_once() -> None:
    seen: list[str] = []

    def look(path: str) -> Found:
        seen.append(path)
        return MISSING

    known: dict[str, str] = {}
    for number in range(3):
        assert resolve(f"/etc/app/{number}", look, known=known) == f"/etc/app/{number}"
    assert seen == ["/etc", "/etc/app"]
