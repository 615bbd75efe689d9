import numpy as np

from watermark import Keyring
from watermark.tile import payload, trellis
from watermark.tile.agreement import Agreement
from watermark.tile.pattern import Layout, Pattern

EPOCH = Keyring.from_secret(b"a secret for the tests").epochs[0]
WORD = trellis.encode(payload.seal(42, EPOCH.check, payload.POSITIONED))
LAYOUT = Layout(EPOCH.pattern, len(WORD))
PATTERN, OTHER = (Pattern(LAYOUT, phases) for phases in EPOCH.phases[:2])
AGREEMENT = Agreement(LAYOUT)
MESSAGE = (PATTERN.target(WORD) * PATTERN.carrier)[LAYOUT.message]


def noise(count: int) -> np.ndarray:
    rng = np.random.default_rng(1)
    shape = count, len(LAYOUT.message)
    return (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(np.complex64)


def test_a_message_agrees_with_itself_far_below_what_can_be_decoded() -> None:
    faint = MESSAGE * 0.4 + noise(200)
    scores = AGREEMENT.score(AGREEMENT.components(PATTERN, faint))
    assert np.mean(scores > 2) > 0.6
    assert np.mean(AGREEMENT.score(AGREEMENT.components(OTHER, faint)) > 2) < 0.1


def test_chance_is_standard_normal() -> None:
    scores = AGREEMENT.score(AGREEMENT.components(PATTERN, noise(2000)))
    assert abs(scores.mean()) < 0.1
    assert 0.9 < scores.std() < 1.1
    assert np.mean(scores > 3) < 0.005


def test_the_soft_values_are_those_of_the_pattern() -> None:
    spectrum = np.zeros(len(LAYOUT.ky), np.complex64)
    spectrum[LAYOUT.message] = MESSAGE
    soft = AGREEMENT.soft(AGREEMENT.components(PATTERN, MESSAGE))
    assert np.allclose(soft, PATTERN.soft(spectrum), atol=1e-4)
    assert np.array_equal(np.sign(soft), WORD)


def test_every_word_agrees_alike() -> None:
    """Choosing by agreement must not favour some words: the bound on false readings depends on it."""
    other = trellis.encode(payload.seal(7, EPOCH.check, payload.REPEATED))
    for word in (WORD, other):
        message = (PATTERN.target(word) * PATTERN.carrier)[LAYOUT.message]
        assert AGREEMENT.score(AGREEMENT.components(PATTERN, message)) > 15
