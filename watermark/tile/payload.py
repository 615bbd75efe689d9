"""The 84-bit payload: version (4), mark id (48) and a keyed check (32), most significant bit first.

The version is that of the format: 1 for `org.countermark.tile.1`, 2 for `org.countermark.tile.2`.

The check is HMAC-SHA-256 over version and id, truncated to 32 bits. A decoding attempt on an unmarked image, or under
another key, passes it by chance once in 2**32 times.
"""

import hashlib
import hmac
from typing import Final

import numpy as np
from numpy.typing import NDArray

from watermark.errors import BadMarkId

REPEATED: Final = 1
"""Version of format one."""
POSITIONED: Final = 2
"""Version of format two."""
VERSION_BITS: Final = 4
ID_BITS: Final = 48
CHECK_BITS: Final = 32
PAYLOAD_BITS: Final = VERSION_BITS + ID_BITS + CHECK_BITS

_CLAIM_BYTES: Final = (VERSION_BITS + ID_BITS + 7) // 8
_CHECK_BYTES: Final = CHECK_BITS // 8


def seal(mark_id: int, check_key: bytes, version: int) -> NDArray[np.uint8]:
    """The payload of `mark_id` under `version` (0 to 15): uint8[84] of zeros and ones.

    Raises:
        BadMarkId: `mark_id` is not an integer in [0, 2**48).
    """
    if not isinstance(mark_id, int) or isinstance(mark_id, bool) or not 0 <= mark_id < 1 << ID_BITS:
        raise BadMarkId(f"The mark id must be an integer from 0 to 2**{ID_BITS} - 1, not {mark_id!r}.")
    claim = version << ID_BITS | mark_id
    word = claim << CHECK_BITS | int.from_bytes(_check(claim, check_key))
    return np.array([word >> place & 1 for place in reversed(range(PAYLOAD_BITS))], dtype=np.uint8)


def unseal(bits: NDArray[np.uint8], check_key: bytes, version: int) -> int | None:
    """The mark id in `bits` (uint8[84] of zeros and ones), or None if the check or the version does not match."""
    word = int("".join("1" if bit else "0" for bit in bits), 2)
    claim, check = word >> CHECK_BITS, word & ((1 << CHECK_BITS) - 1)
    if not hmac.compare_digest(check.to_bytes(_CHECK_BYTES), _check(claim, check_key)):
        return None
    found, mark_id = claim >> ID_BITS, claim & ((1 << ID_BITS) - 1)
    return mark_id if found == version else None


def _check(claim: int, check_key: bytes) -> bytes:
    """The 4-byte check of version and id (`claim`, 52 bits)."""
    return hmac.digest(check_key, claim.to_bytes(_CLAIM_BYTES), hashlib.sha256)[:_CHECK_BYTES]
