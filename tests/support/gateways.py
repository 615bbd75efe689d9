"""A gateway over an open installation, with any of its parts replaced."""

from collections.abc import Sequence
from typing import Protocol, TypedDict, Unpack

from service.gateway.admission import Screen
from service.gateway.options import GatewayOptions
from service.gateway.pipeline import Gateway
from service.gateway.screening import Checker
from service.generation import Backend
from service.installation import Installation
from service.keys import signing
from service.media.pictures import ImageLimits
from tests.support import painter, prompts


class Parts(TypedDict, total=False):
    """What a test may put in the place of the installation's own part; fakes need not be of the real type."""

    codec: object
    credentials: object
    ledger: object
    blocklist: object
    likeness: object
    adapters: object
    review_queue: object


class Build(Protocol):
    """Builds a gateway; see `builder`."""

    def __call__(
        self,
        backend: Backend | None = None,
        checkers: Sequence[Checker] | None = None,
        screen_timeout: float = 30,
        safe_retries: int = 0,
        finish_timeout: float = 60,
        prompts: Screen | None = None,
        **parts: Unpack[Parts],
    ) -> Gateway: ...


def builder(installation: Installation) -> Build:
    """By default the gateway has the painter, and checks that find everything safe."""

    def build(
        backend: Backend | None = None,
        checkers: Sequence[Checker] | None = None,
        screen_timeout: float = 30,
        safe_retries: int = 0,
        finish_timeout: float = 60,
        prompts: Screen | None = None,
        **parts: Unpack[Parts],
    ) -> Gateway:
        own: Parts = {
            "codec": installation.codec,
            "credentials": installation.credentials,
            "ledger": installation.ledger,
            "blocklist": installation.blocklist,
            "likeness": installation.likeness,
            "adapters": installation.adapters,
        }
        return Gateway(
            backend or painter.Painter(),
            prompts or scripted_screen(),
            [painter.Checker()] if checkers is None else checkers,
            rules=GatewayOptions(
                "Test Installation",
                0.5,
                screen_timeout,
                60.0,
                ImageLimits(1 << 22, 1 << 22),
                safe_retries,
                finish_timeout,
            ),
            digest_prompt=signing.prompt_digester(installation.settings),
            **{**own, **parts},  # type: ignore[arg-type]  # fakes stand in for the real parts
        )

    return build


def scripted_screen() -> Screen:
    """A prompt screen that finds nothing."""
    return prompts.Screen()
