"""What a key may be used for. Each route asks for the one scope that it needs."""

from collections.abc import Mapping
from typing import Literal, get_args

KeyScope = Literal["generate", "examine", "consent", "takedowns", "jobs", "admin"]

SCOPES: Mapping[KeyScope, str] = {
    "generate": "Generate, edit and vary images, fetch held ones, ask what would be refused.",
    "examine": "Examine images and look manifests up, where the examiner needs a key.",
    "consent": "List the grants that are made out to the tenant.",
    "takedowns": "File notices as a trusted flagger: they block until they are decided.",
    "jobs": "List, read and cancel the tenant's jobs.",
    "admin": "Sign in to the operator's page. For the operator's own people alone.",
}

ALL_SCOPES: tuple[KeyScope, ...] = get_args(KeyScope)
TENANT_SCOPES: tuple[KeyScope, ...] = tuple(scope for scope in ALL_SCOPES if scope != "admin")
"""What a key gets unless it is given less: everything that is for tenants."""
