"""Attach adapters to a pipeline for one image, after checking the digest of their files, and detach them again.

Remains of one order's adapter would appear in everybody's next image, so a pipeline that cannot be restored refuses
all further jobs.
"""

import contextlib
import copy
import importlib.util
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from models import DigestMismatch, ModelFault, ModelMissing
from service.generation.adapter import Adapter
from service.generation.diffusers.layer_snapshot import LayerSnapshot
from service.generation.folders import file_digest
from service.kit.errors import BadRequest, Unavailable


class AdapterAttachments:
    """The adapters attached to one backend's pipelines. Used under the backend's lock."""

    def __init__(self, pipeline: Any) -> None:
        """`pipeline`: as loaded, without adapters."""
        self._snapshot = LayerSnapshot(pipeline)
        self._tainted = False

    @contextlib.contextmanager
    def attached(self, pipeline: Any, adapters: Sequence[Adapter]) -> Iterator[None]:
        """Attach `adapters` inside the block and detach them after it.

        Raises:
            ModelMissing, DigestMismatch: a file is missing or differs from its card.
            ModelFault: an adapter does not fit this model, or an earlier one could not be detached.
        """
        if self._tainted:
            raise ModelFault("an adapter of an earlier order could not be detached: restart the service")
        with contextlib.ExitStack() as cleanup:
            cleanup.callback(self._verify_detached, pipeline)
            _attach(pipeline, adapters, cleanup, self._snapshot)
            self._tainted = bool(adapters)  # until `_verify_detached` has passed
            yield

    def _verify_detached(self, pipeline: Any) -> None:
        self._tainted = True
        if left := [name for name, part in pipeline.components.items() if getattr(part, "peft_config", None)]:
            raise ModelFault(f"an adapter could not be detached from {left[0]}: restart the service")
        if changed := self._snapshot.changed():
            raise ModelFault(f"an adapter has changed the layers of {changed}: restart the service")
        self._tainted = False


def check_adapters(pipeline: Any, adapters: Sequence[Adapter]) -> None:
    """Check that this pipeline supports such adapters. Whether they fit is only known once they are attached.

    Raises:
        BadRequest: the pipeline does not support one, or its scale has no meaning.
        Unavailable: the package peft is not installed.
    """
    for adapter in adapters:
        loader = {"lora": "load_lora_weights", "textual-inversion": "load_textual_inversion"}[adapter.kind]
        if not hasattr(pipeline, loader):
            raise BadRequest(f"{type(pipeline).__name__} takes no {adapter.kind}", hint="Leave the adapter out.")
        if adapter.kind == "textual-inversion" and getattr(pipeline, "text_encoder_2", None):
            raise BadRequest("this model has several text encoders, the adapter one", hint="Leave the adapter out.")
        if adapter.kind == "textual-inversion" and adapter.scale != 1:
            raise BadRequest("a textual inversion has no scale", hint=f"Use {adapter.word} in the prompt instead.")
    if adapters and importlib.util.find_spec("peft") is None:
        raise Unavailable("adapters need the package peft", hint="Install it: pip install 'countermark[generate]'.")


def _attach(pipeline: Any, adapters: Sequence[Adapter], cleanup: contextlib.ExitStack, snapshot: LayerSnapshot) -> None:
    loras = {f"adapter{n}": adapter for n, adapter in enumerate(adapters) if adapter.kind == "lora"}  # no dots in names
    if loras:
        cleanup.callback(snapshot.restore)
        cleanup.callback(pipeline.unload_lora_weights)
    for name, adapter in loras.items():
        _load(adapter, partial(_load_lora, pipeline, adapter, name))
        if changed := snapshot.changed():  # a control LoRA, which needs a control image this pipeline does not take
            raise ModelFault(f"adapter {adapter.name} does not fit this model: it changes the layers of {changed}")
    if loras:
        pipeline.set_adapters(list(loras), [adapter.scale for adapter in loras.values()])
    inversions = [adapter for adapter in adapters if adapter.kind == "textual-inversion"]
    if inversions:
        cleanup.enter_context(_temporary_tokens(pipeline))
    for adapter in inversions:
        _load(adapter, partial(_load_textual_inversion, pipeline, adapter))


def _load(adapter: Adapter, load: Callable[[], None]) -> None:
    _verify_file(adapter)
    try:
        load()
    except ModelFault:
        raise
    except Exception as unfit:  # diffusers raises many types
        raise ModelFault(f"adapter {adapter.name} does not fit this model ({type(unfit).__name__})") from unfit


def _verify_file(adapter: Adapter) -> None:
    try:
        actual = file_digest(adapter.file)
    except OSError as gone:
        raise ModelMissing(f"adapter {adapter.name}: its file cannot be read ({gone.strerror})") from gone
    if actual != adapter.digest:
        raise DigestMismatch(f"adapter {adapter.name}: the file has SHA-256 {actual}, its card says {adapter.digest}")


def _load_lora(pipeline: Any, adapter: Adapter, name: str) -> None:
    pipeline.load_lora_weights(
        adapter.file.parent,
        weight_name=adapter.file.name,
        adapter_name=name,
        use_safetensors=True,
        local_files_only=True,
    )
    if not any(name in names for names in pipeline.get_list_adapters().values()):
        raise ModelFault(f"adapter {adapter.name} does not fit this model: it has no layers in common with it")


def _load_textual_inversion(pipeline: Any, adapter: Adapter) -> None:
    pipeline.load_textual_inversion(
        adapter.file.parent,
        token=adapter.word,
        weight_name=adapter.file.name,
        use_safetensors=True,
        local_files_only=True,
    )


@contextlib.contextmanager
def _temporary_tokens(pipeline: Any) -> Iterator[None]:
    """Let the block add tokens: to a copy of the tokenizer, and to embeddings that are restored afterwards."""
    import torch  # noqa: PLC0415 - an extra

    tokenizer, encoder = pipeline.tokenizer, pipeline.text_encoder
    embeddings, vocabulary_size = encoder.get_input_embeddings(), encoder.config.vocab_size
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
        encoder.config.vocab_size = vocabulary_size
