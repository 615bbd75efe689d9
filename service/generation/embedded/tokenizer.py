"""From a prompt to token ids."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from models import ModelFault

END = "<|endoftext|>"


class PromptTokenizer:
    """A CLIP tokenizer for texts of at most `limit` tokens, in a row of `length`. Thread-safe."""

    def __init__(self, definition: bytes, *, limit: int, length: int) -> None:
        """`definition`: the contents of a tokenizer.json. `limit` and `length` include the start and end tokens.

        Raises ModelFault if `definition` is not a tokenizer.
        """
        try:
            self._tokenizer = Tokenizer.from_buffer(definition)
        except Exception as broken:  # the library raises plain Exception
            raise ModelFault(f"the tokenizer cannot be read: {broken}") from broken
        # Setting these later would change a tokenizer that another thread may be using.
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        end = self._tokenizer.token_to_id(END)
        if end is None:
            raise ModelFault(f"the tokenizer has no {END}")
        self._end, self._length, self.limit = end, length, limit

    def too_long(self, text: str) -> bool:
        """The end of `text` does not fit."""
        return len(self._tokenizer.encode(text).ids) > self.limit

    def ids(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """The token ids (len(texts) x `length`) of what fits of each text, padded with end tokens."""
        rows = np.full((len(texts), self._length), self._end, np.int64)
        for row, text in zip(rows, texts, strict=True):
            found = self._tokenizer.encode(self._truncate(text)).ids[: self.limit - 1]
            row[: len(found)] = found  # what was cut off ends with an end token, like all others
        return rows

    def _truncate(self, text: str) -> str:
        """The part of `text` that the first tokens cover. Cut inside a word, it may have other tokens than before."""
        found = self._tokenizer.encode(text)
        if len(found.ids) <= self.limit:
            return text
        return text[: max(end for _, end in found.offsets[: self.limit - 1])]
