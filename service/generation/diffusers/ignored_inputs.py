"""What a model does not heed of an order, silently: the end of a long prompt, a guidance that it never learnt."""

import copy
import threading
from collections.abc import Mapping
from typing import Any

from service.generation.backend import Job
from service.generation.diffusers import arguments

_LIMIT = "max_sequence_length"
_OWN_LIMIT = "prompt_tokens"


class IgnoredInputs:
    """Warnings for the jobs of one pipeline. Thread-safe, also beside a drawing: it counts with tokenizers of its own,
    for fast ones cannot be shared."""

    def __init__(self, pipeline: Any, options: Mapping[str, Any]) -> None:
        """`options`: of the model's card."""
        self._call = arguments.takes(pipeline)
        config = getattr(getattr(pipeline, "transformer", None), "config", {})
        self._distilled = bool(config.get("guidance_embeds", True))
        named = {name: part for name, part in pipeline.components.items() if name.startswith("tokenizer") and part}
        self._readers = [(copy.deepcopy(part), _limit(part, self._call, options)) for part in named.values()]
        self._lock = threading.Lock()

    def warnings(self, job: Job, own_guidance: float) -> tuple[str, ...]:
        """What of this job has no effect. `own_guidance`: what the model is drawn with by default."""
        told = []
        for what, text in (("prompt", job.prompt), ("negative prompt", job.negative_prompt)):
            if text and (limit := self._cut(text)):
                told.append(f"the {what} is too long: the model reads its first {limit} tokens")
        if self._unguided(job) and job.guidance != own_guidance:
            told.append("guidance has no effect on this model")
        return tuple(told)

    def heard(self, text: str) -> str:
        """The part of a text that the model may be given: all of it, but where its card says `prompt_tokens`."""
        with self._lock:
            for reader, limit in self._readers:
                if limit < int(reader.model_max_length) and len(reader(text, truncation=False).input_ids) > limit:
                    read = reader(text, truncation=True, max_length=limit, return_offsets_mapping=True)
                    text = text[: max(end for _, end in read.offset_mapping)]
        return text

    def _cut(self, text: str) -> int | None:
        """How many tokens of the text are read, where no tokenizer hands all of it on."""
        with self._lock:
            lengths = [len(reader(text, truncation=False).input_ids) for reader, _ in self._readers]
        limits = [limit for _, limit in self._readers]
        if any(length <= limit for length, limit in zip(lengths, limits, strict=True)):
            return None
        return max(limits, default=None)

    def _unguided(self, job: Job) -> bool:
        """A FLUX that was distilled without guidance; a negative prompt guides it all the same."""
        both = all(arguments.default(self._call, name) is not None for name in arguments.BOTH)
        return both and not self._distilled and not job.negative_prompt


def _limit(tokenizer: Any, call: arguments.Takes, options: Mapping[str, Any]) -> int:
    """Tokens that are read: CLIP's tokenizer has a length of its own, the others get what the call says."""
    said = options.get(_LIMIT, arguments.default(call, _LIMIT))
    own = min(int(tokenizer.model_max_length), int(options.get(_OWN_LIMIT, tokenizer.model_max_length)))
    return own if said is None or "CLIP" in type(tokenizer).__name__ else min(int(said), own)
