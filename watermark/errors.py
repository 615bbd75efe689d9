"""What can be wrong with a request to mark or read an image. Each message says what happened and what to do."""


class WatermarkError(ValueError):
    """The watermark codec cannot do what was asked; the message says why and what to do."""


class TooSmall(WatermarkError):
    """The image has too few pixels to carry a mark that would be found again."""


class BadImage(WatermarkError):
    """The array is not an RGB image of 8-bit samples."""


class BadMarkId(WatermarkError):
    """The mark id does not fit the payload."""


class WatermarkNotReadable(WatermarkError):
    """The image is such that the mark would not be read back from it."""
