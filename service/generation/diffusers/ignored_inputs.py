"""Inputs that a model silently ignores: the end of a long prompt, or guidance it was not trained with."""

import copy
import threading
from collections.abc import Mapping
from typing import Any

from service.generation.backend import Job
from service.generation.diffusers import arguments

_LIMIT = "max_sequence_length"
_OWN_LIMIT = "prompt_tokens"


class IgnoredInputs:
    """Warnings for the jobs of one pipeline. Thread-safe, also while the pipeline runs: it has its own copies of the
    tokenizers, because fast tokenizers cannot be shared."""

    def __init__(self, pipeline: Any, options: Mapping[str, Any]) -> None:
        """`options`: those of the model's card."""
        self._call = arguments.parameters(pipeline)
        config = getattr(getattr(pipeline, "transformer", None), "config", {})
        self._distilled = bool(config.get("guidance_embeds", True))
        tokenizers = [part for name, part in pipeline.components.items() if name.startswith("tokenizer") and part]
        self._tokenizers = [(copy.deepcopy(part), _limit(part, self._call, options)) for part in tokenizers]
        self._lock = threading.Lock()

    def warnings(self, job: Job, own_guidance: float) -> tuple[str, ...]:
        """One sentence for each input of this job that has no effect. `own_guidance`: the model's default."""
        found = []
        for what, text in (("prompt", job.prompt), ("negative prompt", job.negative_prompt)):
            if text and (limit := self._exceeded_limit(text)):
                found.append(f"the {what} is too long: the model reads only its first {limit} tokens")
        if self._unguided(job) and job.guidance != own_guidance:
            found.append("guidance has no effect on this model")
        return tuple(found)

    def truncate(self, text: str) -> str:
        """Cut `text` to the card's `prompt_tokens`; without that option, return all of it."""
        with self._lock:
            for tokenizer, limit in self._tokenizers:
                if limit < int(tokenizer.model_max_length) and len(tokenizer(text, truncation=False).input_ids) > limit:
                    cut = tokenizer(text, truncation=True, max_length=limit, return_offsets_mapping=True)
                    text = text[: max(end for _, end in cut.offset_mapping)]
        return text

    def _exceeded_limit(self, text: str) -> int | None:
        """The largest token limit, if `text` exceeds that of every tokenizer; otherwise None."""
        with self._lock:
            lengths = [len(tokenizer(text, truncation=False).input_ids) for tokenizer, _ in self._tokenizers]
        limits = [limit for _, limit in self._tokenizers]
        if any(length <= limit for length, limit in zip(lengths, limits, strict=True)):
            return None
        return max(limits, default=None)

    def _unguided(self, job: Job) -> bool:
        """The model is a FLUX distilled without guidance, and no negative prompt enables true guidance."""
        both = all(arguments.default(self._call, name) is not None for name in arguments.BOTH)
        return both and not self._distilled and not job.negative_prompt


def _limit(tokenizer: Any, call: arguments.Parameters, options: Mapping[str, Any]) -> int:
    """The token limit: CLIP tokenizers have their own, the others use the pipeline's `max_sequence_length`."""
    requested = options.get(_LIMIT, arguments.default(call, _LIMIT))
    own = min(int(tokenizer.model_max_length), int(options.get(_OWN_LIMIT, tokenizer.model_max_length)))
    return own if requested is None or "CLIP" in type(tokenizer).__name__ else min(int(requested), own)
