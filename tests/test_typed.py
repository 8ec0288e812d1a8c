"""The stand-ins for `typing`: a named tuple is as `typing` makes it, and what is subscripted can be used as before."""

import copy
import pickle
import typing
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from provision import typed


class Ours(typed.NamedTuple):
    """A class of ours."""

    name: str
    size: int | None = None
    kind: str = "file"

    @property
    def words(self) -> str:
        """What a method can do."""
        return f"{self.kind} {self.name}"


class Theirs(typing.NamedTuple):
    """The same by `typing`."""

    name: str
    size: int | None = None
    kind: str = "file"

    @property
    def words(self) -> str:
        """What a method can do."""
        return f"{self.kind} {self.name}"


class Nothing(typed.NamedTuple):
    """A tuple that only its class tells apart."""


class Heir(Ours):
    """A class that adds behaviour only."""

    def shout(self) -> str:
        """A method of its own."""
        return self.name.upper()


GIVEN: list[Callable[[Any], Any]] = [
    lambda cls: cls("a"),
    lambda cls: cls("a", 1),
    lambda cls: cls("a", 1, "link"),
    lambda cls: cls("a", kind="link"),
    lambda cls: cls(kind="link", name="a"),
    lambda cls: cls(*("a", 2, "other")),
]
WRONG: list[Callable[[Any], Any]] = [
    lambda cls: cls(),
    lambda cls: cls(size=1),
    lambda cls: cls("a", 1, "link", 2),
    lambda cls: cls("a", name="a"),
    lambda cls: cls("a", colour="red"),
    lambda cls: cls("a", 1, "link", colour="red"),
]


@pytest.mark.parametrize("make", GIVEN)
def test_a_named_tuple_has_the_values_that_typing_would_give_it(make: Callable[[Any], Any]) -> None:
    ours, theirs = make(Ours), make(Theirs)
    assert ours == theirs
    assert hash(ours) == hash(theirs)
    assert (ours.name, ours.size, ours.kind, ours.words) == (theirs.name, theirs.size, theirs.kind, theirs.words)
    assert repr(ours) == repr(theirs).replace("Theirs", "Ours")
    assert ours._asdict() == theirs._asdict()
    assert type(ours)._make(iter(ours)) == theirs
    assert ours._replace(size=9) == theirs._replace(size=9)
    assert (ours._fields, ours.__match_args__) == (theirs._fields, theirs.__match_args__)


@pytest.mark.parametrize("make", WRONG)
@pytest.mark.parametrize("cls", [Ours, Theirs])
def test_a_wrong_call_is_a_type_error(make: Callable[[Any], Any], cls: type) -> None:
    with pytest.raises(TypeError):
        make(cls)


def test_an_unknown_name_cannot_be_replaced() -> None:
    with pytest.raises(TypeError):
        Ours("a")._replace(colour="red")  # type: ignore[call-arg]  # that is the point


def test_a_named_tuple_survives_copying_and_pickling() -> None:
    one = Ours("a", 1)
    assert copy.copy(one) == copy.deepcopy(one) == pickle.loads(pickle.dumps(one)) == one
    assert type(pickle.loads(pickle.dumps(one))) is Ours


def test_a_named_tuple_cannot_be_changed_and_holds_nothing_else() -> None:
    one = Ours("a")
    with pytest.raises(AttributeError):
        one.name = "b"  # type: ignore[misc]  # that is the point
    with pytest.raises(AttributeError):
        one.colour = "red"  # type: ignore[attr-defined]  # that is the point


def test_a_class_made_from_a_named_tuple_has_its_fields() -> None:
    heir = Heir("a", kind="link")
    assert (heir.shout(), heir.words, heir) == ("A", "link a", ("a", None, "link"))


def test_a_named_tuple_may_have_no_fields() -> None:
    assert (Nothing(), Nothing()._fields, repr(Nothing())) == ((), (), "Nothing()")
    with pytest.raises(TypeError):
        Nothing(1)  # type: ignore[call-arg]  # that is the point


def test_what_is_subscripted_can_be_used_in_annotations_and_as_a_base() -> None:
    value = typed.TypeVar("value", bound=int)

    class Holder(typed.Generic[value]):
        """A generic class."""

    class Shown(Holder[int], typed.Protocol):  # type: ignore[misc]  # not for a checker
        """A class made from a subscripted one."""

    def walk(kind: typed.Literal["a", "b"] | None, place: typed.Any | None = None) -> Iterator[typed.Any]:
        """A function whose annotations are read when it is made."""
        yield typed.cast(str, kind)

    assert issubclass(Shown, Holder)
    assert list(walk("a")) == ["a"]
