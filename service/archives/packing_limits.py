"""What an archive may unpack to. A bomb is refused by what its directory says, before anything of it is unpacked."""

from dataclasses import dataclass

from service.archives.entry import Fault
from service.kit.errors import BrokenArchive, TooLarge

MEMBERS = 200_000
"""Members of an archive, unless the operator allows more. Listing a zip archive takes about 1 KB of memory for each."""

_RATIO = 200
"""How often its packed size a member may have. Images, which are packed already, do not reach 2; bitmaps reach 100."""
_SMALL = 1 << 20  # below this many bytes any ratio will do


def too_many_members(limit: int) -> TooLarge:
    return TooLarge(
        f"the archive has more than {limit:,} members",
        hint="Raise the limit (--max-members), or unpack the archive and name the folder.",
    )


@dataclass(slots=True)
class PackingLimits:
    """Checks the members of an archive of `available` bytes, one after the other."""

    available: int
    _packed: int = 0

    def fault(self, packed: int, unpacked: int) -> Fault | None:
        """What is wrong with a member of so many bytes.

        All members together cannot be larger than their archive: those that share their bytes, as the worst bombs do,
        are refused.
        """
        self._packed += packed
        if self._packed > self.available:
            return Fault.of(BrokenArchive("the file shares its bytes with others in the archive, as bombs do"))
        if unpacked > _SMALL and unpacked > _RATIO * packed:
            return Fault.of(
                TooLarge(f"the file unpacks to more than {_RATIO} times its size in the archive, as bombs do")
            )
        return None
