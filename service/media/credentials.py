"""Content Credentials of files from outside: the C2PA SDK reads them in worker processes."""

from collections.abc import Mapping, Sequence
from typing import Any

from service.kit.errors import InputError
from service.media.isolation.parsers import CREDENTIAL
from service.media.pictures import ImageLimits
from watermark.c2pa.sdk import Stopped

_MEMORY = 32 << 20  # beside the file, its copies, and what every worker may use


class IsolatedSdk:
    """A `watermark.c2pa.sdk.Sdk` that runs where files from outside are parsed, within the same time. Thread-safe."""

    def __init__(self, limits: ImageLimits) -> None:
        self._limits = limits

    def __call__(
        self, question: str, parts: Sequence[bytes], *, output: int = 0, **options: Any
    ) -> tuple[Mapping[str, Any], bytes]:
        """As `Sdk`.

        Raises:
            Stopped: the SDK was too slow, needed too much memory, or crashed.
            Unavailable: too many files are being read.
        """
        limits = self._limits
        try:
            parsed = limits.parsers.run(
                CREDENTIAL[question], parts, memory=_MEMORY, output=output, seconds=limits.seconds, **options
            )
        except InputError as why:
            raise Stopped(why.message) from why
        return parsed.value, parsed.out
