"""Model errors. Each of them means that the model must not be used."""


class ModelError(Exception):
    """A model is not usable; the message says why and what to do."""


class ModelMissing(ModelError):
    """The card, or a file it lists, does not exist on this machine."""


class DigestMismatch(ModelError):
    """A weight file differs from its card."""


class ModelFault(ModelError):
    """The model failed or returned an unusable result (exception, NaN, wrong shape)."""
