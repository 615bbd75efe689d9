"""How much a key may be used: a rate of requests, and quotas of images and examinations."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Unit = Literal["images", "examinations"]
Window = Literal["day", "month"]
Quota = Literal["images_per_day", "images_per_month", "examinations_per_day", "examinations_per_month"]


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a key; None: there is no such limit. Days and months are those of UTC."""

    requests_per_minute: int | None = None
    images_per_day: int | None = None
    images_per_month: int | None = None
    examinations_per_day: int | None = None
    examinations_per_month: int | None = None

    def quotas(self, unit: Unit) -> dict[Quota, int]:
        """The quotas of a unit that there are, by name, the shorter window first."""
        every = {name: getattr(self, name) for name, (of, _) in QUOTAS.items() if of == unit}
        return {name: most for name, most in every.items() if most is not None}


QUOTAS: Mapping[Quota, tuple[Unit, Window]] = MappingProxyType(
    {
        "images_per_day": ("images", "day"),
        "images_per_month": ("images", "month"),
        "examinations_per_day": ("examinations", "day"),
        "examinations_per_month": ("examinations", "month"),
    }
)

NO_LIMITS = Limits()


def window_of(window: Window, moment: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
    """Beginning and end of the day or month in UTC that `moment` is in."""
    begin = moment.astimezone(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if window == "day":
        return begin, begin + dt.timedelta(days=1)
    begin = begin.replace(day=1)
    return begin, (begin + dt.timedelta(days=32)).replace(day=1)
