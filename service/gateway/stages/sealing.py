"""Sealed types: only the code that claimed a type's constructor can make its instances.

A stage of the gateway accepts only what the stage before it made. So "unscreened", "unmarked", "unsigned" or
"unrecorded" images cannot be expressed. This guards against mistakes and clever requests; code that runs inside the
process can always do what the process can.
"""

import weakref
from collections.abc import Callable
from typing import Any, NoReturn, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_made: "weakref.WeakSet[Any]" = weakref.WeakSet()
_claimed: set[type] = set()


class _Sealed(type):
    """Metaclass of the sealed types: calling one raises."""

    def __call__(cls, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError(f"only the gateway's own stage can make a {cls.__name__}")


class SealedType(metaclass=_Sealed):
    """Base of the sealed types. They cannot be extended, copied or pickled."""

    __slots__ = ("__weakref__",)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        if cls.__module__ != "service.gateway.stages.types" or cls.__mro__[1] is not SealedType:
            raise TypeError("sealed types cannot be extended")

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} cannot be copied or pickled")


def claim_constructor(sealed: Callable[P, T]) -> Callable[P, T]:
    """The only constructor of `sealed`. Raises TypeError if it is claimed a second time."""
    if not isinstance(sealed, _Sealed):
        raise TypeError(f"{sealed} is not a sealed type")
    if sealed in _claimed:
        raise TypeError(f"the constructor of {sealed.__name__} has already been claimed")
    _claimed.add(sealed)

    def make(*args: P.args, **kwargs: P.kwargs) -> T:
        made: T = type.__call__(sealed, *args, **kwargs)
        _made.add(made)
        return made

    return make


def require_sealed(value: T, sealed: type[T]) -> T:
    """`value` itself, if the claimed constructor of `sealed` made it.

    An object made any other way (`object.__new__`, copy, pickle, `dataclasses.replace`) is not accepted.

    Raises:
        TypeError: it was made any other way, or is of another type.
    """
    if type(value) is not sealed or value not in _made:
        raise TypeError(f"this is not a {sealed.__name__} made by the gateway")
    return value
