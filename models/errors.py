"""What can be wrong with a model. Every one of these means: do not use it."""


class ModelError(Exception):
    """A model cannot be used; the message says why and what to do."""


class ModelMissing(ModelError):
    """The card, or a file it names, is not on this machine."""


class DigestMismatch(ModelError):
    """A weight file is not the one its card describes."""


class ModelFault(ModelError):
    """The model ran and gave something that is not an answer (exception, NaN, wrong shape)."""
