from .tile.codec import Codec as Codec
from .tile.keyring import Keyring as Keyring
from .tile.reader import Reading as Reading
