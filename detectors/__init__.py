"""Evidence from pixels, prompts and metadata. Detectors report findings; they never decide.

The names are listed in `__init__.pyi` and loaded when first asked for: processes that only read metadata
(`detectors.declared`) have no use for models.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
