"""Who asks for an image, and by how much their limits are stricter than the settings."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Client:
    """The operator, or a tenant who showed a key. Its limits tighten the settings; none of them can loosen one.

    `name`: their name in grants; empty: the installation itself. `key`: the prefix of the key they showed; empty: none.
    `safety_threshold`: safety score in (0, 1] from which an image is refused. `review_distance`: face distance in
    [0, 2] up to which an image is held at least. `max_images`: images per request; None: as the settings say. `public`:
    anybody, without a key, where keys are used; only ever examines.
    """

    name: str = ""
    key: str = ""
    safety_threshold: float = 1.0
    review_distance: float = 0.0
    max_images: int | None = None
    public: bool = False


OPERATOR = Client()
PUBLIC = Client(public=True)
