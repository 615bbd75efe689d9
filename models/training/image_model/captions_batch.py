"""Batches of captions as token ids, sampled anew at every step."""

from __future__ import annotations

import random

import torch
from transformers import CLIPTokenizer

from .captions import caption
from .config import Recipe
from .scenes import Scene


class CaptionBatches:
    """Token ids of newly sampled captions for given scenes; some are empty, for classifier-free guidance."""

    def __init__(self, recipe: Recipe, tokenizer: CLIPTokenizer, scenes: list[Scene], rng: random.Random) -> None:
        self._tokenizer, self._scenes, self._rng = tokenizer, scenes, rng
        self._dropout = recipe.caption_dropout

    def ids(self, indices: list[int]) -> torch.Tensor:
        """int64 (len(indices), text_length)."""
        texts = [self._text(index) for index in indices]
        batch = self._tokenizer(texts, padding="max_length", truncation=True, return_tensors="pt")
        result: torch.Tensor = batch["input_ids"]
        return result

    def _text(self, index: int) -> str:
        if self._rng.random() < self._dropout:
            return ""
        return caption(self._scenes[index], self._rng)
