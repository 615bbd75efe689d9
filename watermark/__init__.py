"""The pixel watermark: payload, codec and keyring.

The names are listed in `__init__.pyi` and loaded when first asked for: `watermark.c2pa` also runs in processes that
have no use for them.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
