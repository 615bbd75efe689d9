"""Marks that an image already carries are kept, and told."""

from functools import cache

import numpy as np
import pytest

from service.gateway.stages.earlier_marks import earlier_marks
from tests.support.painter import landscape
from watermark import Codec, Keyring

OLD, NEW = b"an older secret of the tests", b"a newer secret of the tests"
CODEC = Codec(Keyring.from_secrets([NEW, OLD]))


@cache
def landscape_of(codec: Codec, mark_id: int) -> np.ndarray:
    return codec.embed(landscape(3, 512, 512), mark_id)


@pytest.mark.parametrize("writer", [Codec(Keyring.from_secret(OLD)), CODEC, Codec(Keyring.from_secret(OLD), version=1)])
def test_an_earlier_mark_is_kept_and_told(writer: Codec) -> None:
    draft = writer.embed(landscape(3, 512, 512), 7)
    finished = CODEC.embed(draft, 9)
    (mark,) = earlier_marks(CODEC, draft, finished, 9, from_input=False)
    assert (mark.name, mark.kept) == ("000000000007", True)
    assert mark.codec.startswith("org.countermark.tile.")
    assert {reading.mark_id for reading in CODEC.read(finished).readings} == {7, 9}
