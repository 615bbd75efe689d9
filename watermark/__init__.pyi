from .tile.codec import Codec as Codec
from .tile.keyring import Keyring as Keyring
from .tile.known_mark import KnownMark as KnownMark
from .tile.looks import Effort as Effort
from .tile.reading import Extraction as Extraction
from .tile.reading import Presence as Presence
from .tile.reading import Reading as Reading
