"""Adapters on a pipeline, for one picture: put on from a file with the right digest, and taken off again.

What is left of one order's adapter would be in everybody's next picture, so a pipeline that could not be cleaned draws
no more.
"""

import contextlib
import copy
import importlib.util
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from models import DigestMismatch, ModelFault, ModelMissing
from service.generation.adapter import Adapter
from service.generation.diffusers.originals import Originals
from service.generation.folders import file_digest
from service.kit.errors import BadRequest, Unavailable


class Attachments:
    """What is on one backend's pipelines. Used under the backend's lock."""

    def __init__(self, pipeline: Any) -> None:
        """`pipeline`: as it was loaded."""
        self._originals = Originals(pipeline)
        self._stuck = False

    @contextlib.contextmanager
    def on(self, pipeline: Any, adapters: Sequence[Adapter]) -> Iterator[None]:
        """Draw with these adapters inside the block, and without any after it.

        Raises:
            ModelMissing, DigestMismatch: a file is not the one of its card.
            ModelFault: it does not fit this model, or an earlier one could not be taken off.
        """
        if self._stuck:
            raise ModelFault("an adapter of an earlier order could not be taken off: start the service again")
        with contextlib.ExitStack() as taking_off:
            taking_off.callback(self._prove_clean, pipeline)
            _put_on(pipeline, adapters, taking_off, self._originals)
            self._stuck = bool(adapters)  # until it is proven that they are off
            yield

    def _prove_clean(self, pipeline: Any) -> None:
        self._stuck = True
        if left := [name for name, part in pipeline.components.items() if getattr(part, "peft_config", None)]:
            raise ModelFault(f"an adapter could not be taken off {left[0]}: start the service again")
        if changed := self._originals.changed():
            raise ModelFault(f"an adapter has changed the layers of {changed}: start the service again")
        self._stuck = False


def check(pipeline: Any, adapters: Sequence[Adapter]) -> None:
    """Whether this pipeline can take such adapters; whether they fit shows when they are put on.

    Raises:
        BadRequest: it cannot, or the scale of one has no meaning.
        Unavailable: the package that puts them on is not installed.
    """
    for adapter in adapters:
        loader = {"lora": "load_lora_weights", "textual-inversion": "load_textual_inversion"}[adapter.kind]
        if not hasattr(pipeline, loader):
            raise BadRequest(f"{type(pipeline).__name__} takes no {adapter.kind}", hint="Leave the adapter out.")
        if adapter.kind == "textual-inversion" and getattr(pipeline, "text_encoder_2", None):
            raise BadRequest("this model reads prompts with several text encoders", hint="Leave the adapter out.")
        if adapter.kind == "textual-inversion" and adapter.scale != 1:
            raise BadRequest("a textual inversion has no scale", hint=f"Say {adapter.word} in the prompt instead.")
    if adapters and importlib.util.find_spec("peft") is None:
        raise Unavailable("adapters need the package peft", hint="Install it: pip install 'countermark[generate]'.")


def _put_on(pipeline: Any, adapters: Sequence[Adapter], taking_off: contextlib.ExitStack, originals: Originals) -> None:
    loras = {f"adapter{n}": adapter for n, adapter in enumerate(adapters) if adapter.kind == "lora"}  # no dots in names
    if loras:
        taking_off.callback(originals.put_back)
        taking_off.callback(pipeline.unload_lora_weights)
    for name, adapter in loras.items():
        _fitting(adapter, partial(_load_lora, pipeline, adapter, name))
        if changed := originals.changed():  # made for pictures that steer, of which this pipeline takes none
            raise ModelFault(f"adapter {adapter.name} does not fit this model: it changes the layers of {changed}")
    if loras:
        pipeline.set_adapters(list(loras), [adapter.scale for adapter in loras.values()])
    words = [adapter for adapter in adapters if adapter.kind == "textual-inversion"]
    if words:
        taking_off.enter_context(_own_words(pipeline))
    for adapter in words:
        _fitting(adapter, partial(_load_word, pipeline, adapter))


def _fitting(adapter: Adapter, load: Callable[[], None]) -> None:
    _verify(adapter)
    try:
        load()
    except ModelFault:
        raise
    except Exception as unfit:  # what diffusers raises depends on what does not fit
        raise ModelFault(f"adapter {adapter.name} does not fit this model ({type(unfit).__name__})") from unfit


def _verify(adapter: Adapter) -> None:
    try:
        actual = file_digest(adapter.file)
    except OSError as gone:
        raise ModelMissing(f"adapter {adapter.name}: its file cannot be read ({gone.strerror})") from gone
    if actual != adapter.digest:
        raise DigestMismatch(f"adapter {adapter.name}: its file has SHA-256 {actual}, its card says {adapter.digest}")


def _load_lora(pipeline: Any, adapter: Adapter, name: str) -> None:
    pipeline.load_lora_weights(
        adapter.file.parent,
        weight_name=adapter.file.name,
        adapter_name=name,
        use_safetensors=True,
        local_files_only=True,
    )
    if not any(name in names for names in pipeline.get_list_adapters().values()):
        raise ModelFault(f"adapter {adapter.name} does not fit this model: it changes nothing of it")


def _load_word(pipeline: Any, adapter: Adapter) -> None:
    pipeline.load_textual_inversion(
        adapter.file.parent,
        token=adapter.word,
        weight_name=adapter.file.name,
        use_safetensors=True,
        local_files_only=True,
    )


@contextlib.contextmanager
def _own_words(pipeline: Any) -> Iterator[None]:
    """Words may be added inside the block: to a copy of the tokenizer, and to embeddings that are put back."""
    import torch  # noqa: PLC0415 - an extra

    tokenizer, encoder = pipeline.tokenizer, pipeline.text_encoder
    embeddings, known = encoder.get_input_embeddings(), encoder.config.vocab_size
    if embeddings.weight.is_meta:
        raise ModelFault("a textual inversion cannot be used with COUNTERMARK_OFFLOAD=sequential")
    kept = embeddings.weight.detach().clone()
    pipeline.tokenizer = copy.deepcopy(tokenizer)
    try:
        yield
    finally:
        pipeline.tokenizer = tokenizer
        embeddings.weight = torch.nn.Parameter(kept, requires_grad=False)
        embeddings.num_embeddings = len(kept)
        encoder.set_input_embeddings(embeddings)
        encoder.config.vocab_size = known
