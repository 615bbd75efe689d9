import numpy as np

from detectors.prompts.features import SIZE, features


def test_a_text_is_a_row_of_length_one() -> None:
    row = features("a red fox")
    assert row.shape == (SIZE,)
    assert row.dtype == np.float32
    assert np.linalg.norm(row) == np.float32(1)
    assert (row >= 0).all()


def test_without_letters_it_is_zeros() -> None:
    assert not features("").any()


def test_order_does_not_matter_and_words_do() -> None:
    assert np.array_equal(features("red fox"), features("fox red"))
    alike = float(features("red foxes") @ features("red fox"))
    other = float(features("red foxes") @ features("blue whale"))
    assert alike > 0.5 > other


def test_the_hash_is_the_same_everywhere() -> None:
    assert np.flatnonzero(features("ab")).tolist() == [8052, 11676, 15685, 27787]
