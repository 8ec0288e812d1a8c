"""The names that annotations need, without `typing`: loading that takes a third as long as loading all of the applier.

Checkers see `typing` itself. At run time nobody asks what an annotation says, so most names stand for `object`, and
`NamedTuple` is one that is made in a fifth of the time. For the modules that the applier loads; a test sees to it that
none of them loads `typing`.
"""

__all__ = [
    "TYPE_CHECKING", "Any", "BinaryIO", "ClassVar", "Final", "Generic", "Literal", "NamedTuple", "NoReturn", "Protocol",
    "Self", "TextIO", "TypeVar", "cast", "dataclass_transform",
]  # fmt: skip

TYPE_CHECKING = False  # checkers take it for True, whatever it says

if TYPE_CHECKING:
    from typing import (
        Any,
        BinaryIO,
        ClassVar,
        Final,
        Generic,
        Literal,
        NamedTuple,
        NoReturn,
        Protocol,
        Self,
        TextIO,
        TypeVar,
        cast,
        dataclass_transform,
    )
else:
    from operator import itemgetter

    make_tuple = tuple.__new__

    Any = BinaryIO = NoReturn = Self = TextIO = object

    class Literal:
        """A name that is subscripted and never asked for what it was subscripted with."""

        def __class_getitem__(cls, values):
            return object

    ClassVar = Final = Literal

    class Generic:
        """A base of classes that are subscripted: they stay themselves."""

        def __class_getitem__(cls, parameters):
            return cls

    Protocol = Generic

    def TypeVar(name, *constraints, bound=None):  # noqa: N802 - named as in `typing`
        """What stands for any type."""
        return object

    def cast(kind, value):
        """The value as it is."""
        return value

    def dataclass_transform(**options):
        """A decorator that leaves the class as it is."""
        return lambda cls: cls

    class NamedTupleType(type):
        """Makes the annotated names of a class the fields of its tuples."""

        def __new__(meta, name, bases, body):
            cls = super().__new__(meta, name, bases, {**body, "__slots__": ()})
            fields = tuple(cls.__annotations__)
            if fields:
                cls._fields = cls.__match_args__ = fields
                cls._defaults = tuple([body[field] for field in fields if field in body])
            for place, field in enumerate(fields):
                setattr(cls, field, property(itemgetter(place)))
            return cls

    class NamedTuple(tuple, metaclass=NamedTupleType):
        """As `typing.NamedTuple`, as far as this project goes."""

        _fields = _defaults = __match_args__ = ()

        def __new__(cls, *values, **named):
            if len(values) != len(cls._fields) or named:
                values = complete(cls, values, named)
            return make_tuple(cls, values)

        @classmethod
        def _make(cls, values):
            return cls(*values)

        def __getnewargs__(self):
            return tuple(self)

        def __repr__(self):
            return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self._asdict().items())})"

        def _asdict(self):
            return dict(zip(self._fields, self, strict=True))

        def _replace(self, **changes):
            return type(self)(**{**self._asdict(), **changes})

    def complete(cls, values, named):
        """All values of a tuple, of which some were given by their names or not at all."""
        missing = cls._fields[len(values) :]
        if not named and 0 < len(missing) <= len(cls._defaults):
            return values + cls._defaults[-len(missing) :]
        given = {**dict(zip(reversed(cls._fields), reversed(cls._defaults), strict=False)), **named}
        if len(values) > len(cls._fields) or not named.keys() <= {*missing} <= given.keys():
            raise TypeError(f"{cls.__name__} takes {', '.join(cls._fields)}, each once")
        return (*values, *[given[field] for field in missing])
