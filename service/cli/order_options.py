"""Options of `countermark generate` that are fields of an order, derived from their declaration."""

import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any, get_origin

import typer

from service.cli import files
from service.gateway.order import Order
from service.kit.surface import SurfaceField, surface_fields

_FIELDS = {field.name: field for field in surface_fields(Order) if field.surface.cli}


OPTION_NAMES = {name: str(field.surface.cli) for name, field in _FIELDS.items()} | {
    "width": "--size",
    "height": "--size",
}
"""What the fields of an order are called on the command line."""


def order_options(command: Callable[..., None]) -> Callable[..., None]:
    """Replace the `**order` parameter of a command by one option for each field of an order.

    Values arrive by the field's name, as texts, numbers or lists; `order_values` turns them into those of an order.
    """
    derived = [_parameter(field) for field in _FIELDS.values()]
    signature = inspect.signature(command).parameters.values()
    own = [each.replace(kind=each.KEYWORD_ONLY) for each in signature if each.kind is not each.VAR_KEYWORD]
    arguments = [each for each in derived if each.default is inspect.Parameter.empty]
    options = [each for each in derived if each.default is not inspect.Parameter.empty]
    command.__signature__ = inspect.Signature([*arguments, *own, *options])  # type: ignore[attr-defined] # inspect reads it
    return command


def order_values(options: Mapping[str, Any], max_bytes: int) -> dict[str, Any]:
    """The fields of an order from the options of `order_options`. Files, of `max_bytes` at most, are read.

    Raises:
        InputError: a file cannot be read.
    """
    return {name: _value(_FIELDS[name], value, max_bytes) for name, value in options.items()}


def _value(field: SurfaceField, value: Any, max_bytes: int) -> Any:
    if field.repeated:
        return tuple(_single(field, each, max_bytes) for each in value or ())
    return None if value is None else _single(field, value, max_bytes)


def _single(field: SurfaceField, value: Any, max_bytes: int) -> Any:
    return files.read(value, max_bytes) if field.is_file else value


def _parameter(field: SurfaceField) -> inspect.Parameter:
    name = str(field.surface.cli)
    if not name.startswith("-"):
        argument = typer.Argument(help=_help(field), metavar=name.upper())
        return _keyword(field.name, Annotated[_type(field), argument], inspect.Parameter.empty)
    default = _default(field)
    kind = _type(field) if default is not None else _type(field) | None
    return _keyword(field.name, Annotated[kind, typer.Option(name, help=_help(field))], default)


def _keyword(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


def _default(field: SurfaceField) -> Any:
    return None if field.repeated else field.info.default


def _type(field: SurfaceField) -> Any:
    """What Typer reads from the command line. Choices are plain texts: the order itself says what is wrong with one."""
    item = field.item.__origin__ if get_origin(field.item) is Annotated else field.item
    plain = str if field.choices or field.is_file else item
    return list[plain] if field.repeated else plain  # type: ignore[valid-type] # built at run time


def _help(field: SurfaceField) -> str:
    help_ = str(field.info.description).replace("`", "")
    listed = f" One of: {', '.join(field.choices)}." if field.choices else ""
    return f"{help_}{listed}{' Repeatable.' if field.repeated else ''}"
