"""How fields are called outside: declared with the field, so that API, command line and docs derive from one place."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from annotated_types import MaxLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo


@dataclass(frozen=True, slots=True)
class Surface:
    """Metadata of a field (`Annotated[..., Surface(...)]`). Its type, limits and help are the field's own.

    `api`: name in API requests. `cli`: option of `countermark generate`, or its argument if it does not begin with a
    dash. None: not offered there. `edits_only`: only in `POST /v1/images/edits`.
    """

    api: str | None = None
    cli: str | None = None
    edits_only: bool = False


@dataclass(frozen=True, slots=True)
class SurfaceField:
    """A field that is offered outside, as `name` in its model."""

    name: str
    info: FieldInfo
    surface: Surface

    @property
    def repeated(self) -> bool:
        """It takes several values."""
        return get_origin(self.info.annotation) is tuple

    @property
    def item(self) -> Any:
        """The type of one value: without None, and of a tuple the type of its items."""
        if get_origin(self.info.annotation) is Literal:
            return self.info.annotation
        return next(iter(get_args(self.info.annotation)), self.info.annotation)

    @property
    def choices(self) -> tuple[str, ...]:
        """Its possible values, if they are listed."""
        return get_args(self.item) if get_origin(self.item) is Literal else ()

    @property
    def is_file(self) -> bool:
        """Its value is the bytes of a file."""
        return self.item is bytes

    @property
    def most(self) -> int:
        """How many values it takes at most."""
        limits = [each.max_length for each in self.info.metadata if isinstance(each, MaxLen)]
        return limits[0] if self.repeated and limits else 1


def surface_fields(model: type[BaseModel]) -> Iterator[SurfaceField]:
    """The fields of `model` that are offered outside: its own, then those of its bases, as declared."""
    own = [name for name in model.model_fields if name in model.__annotations__]
    for name in dict.fromkeys((*own, *model.model_fields)):
        info = model.model_fields[name]
        yield from (SurfaceField(name, info, meta) for meta in info.metadata if isinstance(meta, Surface))
