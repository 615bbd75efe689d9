import subprocess
import sys

import pytest

import watermark
from watermark.tile.codec import Codec


def test_names_are_loaded_when_asked_for() -> None:
    assert watermark.Codec is Codec
    assert all(getattr(watermark, name) for name in dir(watermark))
    with pytest.raises(AttributeError, match="nothing"):
        _ = watermark.nothing  # type: ignore[attr-defined]


def test_credentials_do_not_load_the_codec() -> None:
    code = "import sys, watermark.c2pa.credentials; sys.exit('cv2' in sys.modules or 'numpy' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
