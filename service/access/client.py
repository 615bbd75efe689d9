"""Who asks for a picture, and how much stricter the house is with them than its settings say."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Client:
    """The operator, or a tenant who showed a key. Its limits tighten the settings; none of them can loosen one.

    `name`: who they are in grants, empty: the installation itself. `key`: how the key they showed begins, empty: none.
    `safety_threshold`: refuse from this score already, in (0, 1]. `review_distance`: hold faces up to this distance
    at least, in [0, 2]. `max_images`: largest number of pictures of one request; None: as the settings say.
    """

    name: str = ""
    key: str = ""
    safety_threshold: float = 1.0
    review_distance: float = 0.0
    max_images: int | None = None


OPERATOR = Client()
