"""Convolutional code of constraint length 9 and rate 1/4, with soft-decision Viterbi decoding.

The generators 463, 535, 733, 745 (octal) are the best known for K = 9, R = 1/4 (free distance 24): K. J. Larsen,
"Short convolutional codes with maximal free distance for rates 1/2, 1/3, and 1/4", IEEE Trans. Inf. Theory 19, 1973.
Decoding: A. J. Viterbi, "Error bounds for convolutional codes ...", IEEE Trans. Inf. Theory 13, 1967.
Eight zero bits end every word, so the path starts and ends in state 0.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

GENERATORS: Final = (0o463, 0o535, 0o733, 0o745)
RATE: Final = len(GENERATORS)
MEMORY: Final = 8
_STATES: Final = 1 << MEMORY


def coded_length(bits: int) -> int:
    """The number of code symbols for a message of `bits` bits, including the tail."""
    return (bits + MEMORY) * RATE


def encode(bits: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The code word of `bits` (uint8[n] of zeros and ones): float32[4 (n + 8)], +1 for a zero, -1 for a one."""
    padded = np.concatenate([np.zeros(MEMORY, np.uint8), bits, np.zeros(MEMORY, np.uint8)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, MEMORY + 1)[:, ::-1]  # newest bit first
    parity = windows @ _TAPS.T & 1
    return (1 - 2 * parity.astype(np.float32)).ravel()


def decode(soft: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The most likely message for `soft` (float32[4 (n + 8)], positive for zero): uint8[n] of zeros and ones.

    A batch of words, float32[A, 4 (n + 8)], takes little longer than one and gives uint8[A, n]. The scale of a word
    does not matter.
    """
    words = np.atleast_2d(soft)
    branch_metrics = words.reshape(len(words), -1, RATE) @ _SYMBOLS.T  # [A, steps, 2 * states], 2 * state + lost bit
    steps = branch_metrics.shape[1]
    metric = np.full((len(words), _STATES), -np.inf, np.float32)
    metric[:, 0] = 0.0
    choices = np.empty((steps, len(words), _STATES), np.bool_)
    for step in range(steps):
        reached = metric.take(_PREVIOUS, axis=1) + branch_metrics[:, step]
        even, odd = reached[:, 0::2], reached[:, 1::2]
        np.greater(odd, even, out=choices[step])
        metric = np.maximum(even, odd)
    return _trace_back(choices)[:, :-MEMORY].reshape(*soft.shape[:-1], -1)


def _trace_back(choices: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Follow the surviving paths (`choices`: bool[steps, A, states]) back from state 0; uint8[A, steps]."""
    steps, words, _ = choices.shape
    bits = np.empty((words, steps), np.uint8)
    every, state = np.arange(words), np.zeros(words, np.intp)
    for step in range(steps - 1, -1, -1):
        bits[:, step] = state >> (MEMORY - 1)
        state = (state << 1 & (_STATES - 1)) | choices[step, every, state]
    return bits


def _taps() -> NDArray[np.uint8]:
    """uint8[4, 9]: the generators bit by bit, the tap of the newest bit first."""
    places = np.arange(MEMORY, -1, -1)
    return (np.array(GENERATORS)[:, None] >> places & 1).astype(np.uint8)


def _branches() -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """For every branch (2 * state + lost bit): the state it leaves, intp[512], and its symbols, float32[512, 4].

    A state is the last eight bits, the newest most significant; a branch shifts one in and one (the lost bit) out.
    """
    branch = np.arange(2 * _STATES)
    state, lost = branch >> 1, branch & 1
    window = state << 1 | lost  # nine bits, the newest most significant
    bits = window[:, None] >> np.arange(MEMORY, -1, -1) & 1
    parity = bits @ _TAPS.T.astype(np.intp) & 1
    return (window & (_STATES - 1)).astype(np.intp), (1 - 2 * parity).astype(np.float32)


_TAPS: Final = _taps()
_PREVIOUS, _SYMBOLS = _branches()
