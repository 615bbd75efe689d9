"""A custom CLIP tokenizer: byte-pair encoding learnt from the captions, over an alphabet of all 256 bytes.

Words of the captions become single tokens; any other text, in any script, is tokenised byte by byte.
"""

from __future__ import annotations

import json
import random

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import CLIPTokenizer

from .captions import caption, trained_words
from .config import Recipe
from .corpus import scene_at

# The pattern of CLIP (Radford et al. 2021): letters together, digits alone, the rest together.
PIECES = r"""'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"""
END_OF_WORD = "</w>"
START, END = "<|startoftext|>", "<|endoftext|>"


def build(recipe: Recipe) -> CLIPTokenizer:
    """Learn the merges from captions of the training scenes; deterministic for a recipe."""
    merges = _learn(recipe)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = alphabet + [letter + END_OF_WORD for letter in alphabet]
    tokens += list(dict.fromkeys(a + b for a, b in merges if a + b not in set(tokens)))
    tokens += [START, END]
    return CLIPTokenizer(
        vocab={token: index for index, token in enumerate(tokens)},
        merges=merges,
        model_max_length=recipe.text_length,
        pad_token=END,
    )


def _learn(recipe: Recipe) -> list[tuple[str, str]]:
    rng = random.Random(recipe.seed)
    captions = [caption(scene_at(recipe.seed, index), rng) for index in range(recipe.vocabulary_captions)]
    texts = captions + 20 * trained_words()
    learner = Tokenizer(models.BPE(end_of_word_suffix=END_OF_WORD))
    learner.normalizer = normalizers.Lowercase()
    learner.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PIECES), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=recipe.vocabulary_size,
        # Given in advance: numbered in order of appearance they would differ from run to run, and with them which of
        # two equally frequent pairs is merged first.
        special_tokens=[letter + END_OF_WORD for letter in sorted(pre_tokenizers.ByteLevel.alphabet())],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        end_of_word_suffix=END_OF_WORD,
        show_progress=False,
    )
    learner.train_from_iterator(texts, trainer)
    merges = json.loads(learner.to_str())["model"]["merges"]
    return [(first, second) for first, second in merges]
