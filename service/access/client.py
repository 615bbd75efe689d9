"""Who asks, what they may do, and by how much their limits are stricter than the settings."""

from dataclasses import dataclass

from service.access.limits import NO_LIMITS, Limits
from service.access.scopes import TENANT_SCOPES, KeyScope
from service.kit.errors import ScopeMissing


@dataclass(frozen=True, slots=True)
class Client:
    """The operator, a tenant who showed a key, or the public. Limits tighten the settings; none of them can loosen one.

    `name`: their name in grants; empty: the installation itself. `key`: the id of the key they showed; empty: none.
    `safety_threshold`: safety score in (0, 1] from which an image is refused. `review_distance`: face distance in
    [0, 2] up to which an image is held at least. `max_images`: images per request; None: as the settings say.
    `scopes`: what the key is for. `limits`: how much it may be used, counted for `lineage`. `public`: anybody, without
    a key, where keys are used; only ever examines. `system_only`: they are told nothing about people.
    """

    name: str = ""
    key: str = ""
    safety_threshold: float = 1.0
    review_distance: float = 0.0
    max_images: int | None = None
    scopes: tuple[KeyScope, ...] = TENANT_SCOPES
    limits: Limits = NO_LIMITS
    lineage: str = ""
    public: bool = False
    system_only: bool = False

    def check_scope(self, scope: KeyScope) -> None:
        """Raises ScopeMissing if the key is not for this."""
        if scope not in self.scopes:
            raise ScopeMissing(scope)


OPERATOR = Client()
PUBLIC = Client(scopes=("examine",), public=True)
OPEN_TIER = Client(scopes=("examine",), public=True, system_only=True)
"""Anybody where `public_verification` is on."""
