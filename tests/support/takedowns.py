"""Notices as a reporter sends them, and the takedowns and appeals of an installation on a clock that the test sets."""

import datetime as dt
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from service.installation import Installation
from service.keys import signing
from service.media.pictures import ImageLimits, OutputFormat, Picture, decode, encode
from service.moderation.appeals import Appeals
from service.moderation.notices import Notice, QuarantineLimits
from service.moderation.takedowns import Takedowns
from tests.support.clock import Clock
from tests.support.painter import landscape

START = dt.datetime(2026, 5, 19, 12, tzinfo=dt.UTC)
RGB = landscape(3, 320, 256)


def takedowns_of(
    installation: Installation,
    clock: Clock,
    *,
    at_once: bool = True,
    read_mark: Callable[[Picture], int | None] | None = None,
    quarantine: QuarantineLimits | None = None,
) -> Takedowns:
    """`at_once`: an uploaded copy is blocked when the notice arrives, not when it is decided.

    `read_mark`: finds the mark id in a copy; by default with the installation's codec, which takes a second.
    """
    vault, digest = signing.vault(installation.settings), signing.prompt_digester(installation.settings)
    return Takedowns(
        installation.ledger,
        installation.blocklist,
        vault,
        digest,
        read_mark or installation._read_mark,
        block_on_notice=at_once,
        quarantine=quarantine,
        clock=clock,
    )


def appeals_of(installation: Installation, takedowns: Takedowns, clock: Clock) -> Appeals:
    vault, digest = signing.vault(installation.settings), signing.prompt_digester(installation.settings)
    return Appeals(installation.ledger, takedowns, vault, digest, clock)


def notice(**fields: object) -> Notice:
    """A complete notice that identifies the image by its address; `fields` replace or add any of its fields."""
    whole = {
        "signature": "Jane Roe",
        "statement": "Published by my former partner without my consent.",
        "good_faith": True,
        "contact": "jane@example.org",
        "location": "above the blue house",
        "url": "https://pictures.example/jane",
        **fields,
    }
    return Notice(**whole)  # type: ignore[arg-type]


def picture(rgb: NDArray[np.uint8], to: OutputFormat = "jpeg") -> Picture:
    """`rgb` as an uploaded copy."""
    return decode(encode(rgb, to)[0], ImageLimits(1 << 24, 1 << 24))
