"""The embedded pipeline in torch and in ONNX Runtime, on one core: its UNet, its VAE decoder, and complete images.

    python benchmarks/onnx_pipeline.py [--pictures N] [--runs N]

All variants take turns in one process, and times are CPU time (`time.process_time`), so that other load on the machine
affects all of them alike. "Of torch" is the median of the ratio within each turn. "Difference" is the largest absolute
difference of any value of a prediction; for complete images, it is the share of values that differ and
the largest difference.

Prints Markdown.
"""

import os
from typing import Any

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import copy
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


from service.generation import Backend, Job
from service.generation.diffusers.backend import DiffusersBackend
from service.generation.diffusers.loading import load_backend as load_in_torch
from service.generation.embedded.backend import EmbeddedBackend
from service.generation.loading import load_backend
from service.kit import logs
from service.kit.settings import Settings

PROMPT = "a red fox in the snow at night"
CHANNELS_LAST = torch.channels_last
Variant = Callable[[], np.ndarray]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=8, help="complete images for each variant (default 8)")
    parser.add_argument("--runs", type=int, default=15, help="runs of the UNet and of the decoder (default 15)")
    options = parser.parse_args()
    logs.configure("error")
    start = time.process_time()
    embedded = load_backend(Settings(threads=1))
    assert isinstance(embedded, EmbeddedBackend)
    print(f"ONNX Runtime loads the model in {time.process_time() - start:.1f} s.")
    backend = load_in_torch(Settings(threads=1))
    report("UNet, two predictions", compare(unets(backend, embedded), options.runs))
    report("VAE decoder", compare(decoders(backend, embedded), options.runs))
    images = compare(renderers(backend, embedded), options.pictures)
    report("complete image", images, of="values that differ, largest difference")


def unets(backend: DiffusersBackend, embedded: EmbeddedBackend) -> dict[str, Variant]:
    """One step with guidance: a prediction with the prompt and one without it."""
    unet = backend._pipeline.unet
    config = unet.config
    sample = torch.randn(2, config.in_channels, config.sample_size, config.sample_size)
    tokens = backend._pipeline.text_encoder.config.max_position_embeddings
    states = torch.randn(2, tokens, config.cross_attention_dim)
    channels_last, fused = copy.deepcopy(unet).to(memory_format=CHANNELS_LAST), copy.deepcopy(unet)
    fused.fuse_qkv_projections()

    def predict(network: Any, memory: torch.memory_format = torch.contiguous_format) -> np.ndarray:
        inputs = sample.contiguous(memory_format=memory)
        result: np.ndarray = network(inputs, torch.tensor(500), states, return_dict=False)[0].float().numpy()
        return result

    return {
        "torch": lambda: predict(unet),
        "torch, channels last": lambda: predict(channels_last, CHANNELS_LAST),
        "torch, fused projections": lambda: predict(fused),
        "torch, bfloat16 autocast": lambda: in_bfloat16(lambda: predict(unet)),
        "torch, bfloat16 autocast, channels last": lambda: in_bfloat16(lambda: predict(channels_last, CHANNELS_LAST)),
        "ONNX Runtime": lambda: embedded._networks.predict(sample.numpy(), 500, states.numpy()),
    }


def decoders(backend: DiffusersBackend, embedded: EmbeddedBackend) -> dict[str, Variant]:
    vae = backend._pipeline.vae
    side = backend._pipeline.unet.config.sample_size
    latents = torch.randn(1, vae.config.latent_channels, side, side)
    channels_last = copy.deepcopy(vae).to(memory_format=CHANNELS_LAST)

    def decode(network: Any, memory: torch.memory_format = torch.contiguous_format) -> np.ndarray:
        result: np.ndarray = (
            network.decode(latents.contiguous(memory_format=memory), return_dict=False)[0].float().numpy()
        )
        return result

    return {
        "torch": lambda: decode(vae),
        "torch, channels last": lambda: decode(channels_last, CHANNELS_LAST),
        "torch, bfloat16 autocast": lambda: in_bfloat16(lambda: decode(vae)),
        "torch, bfloat16 autocast, channels last": lambda: in_bfloat16(lambda: decode(channels_last, CHANNELS_LAST)),
        "ONNX Runtime": lambda: embedded._networks._decoder.run(latents=latents.numpy()),
    }


def renderers(backend: DiffusersBackend, embedded: EmbeddedBackend) -> dict[str, Variant]:
    """Each variant counts its own seeds, so that all of them render the same images."""
    pipeline = backend._pipeline
    original_vae, channels_last = pipeline.vae, copy.deepcopy(pipeline.vae).to(memory_format=CHANNELS_LAST)

    def variant(renderer: Backend, vae: torch.nn.Module = original_vae, bfloat16: bool = False) -> Variant:
        seeds = iter(range(1 << 30))

        def render_next() -> np.ndarray:
            pipeline.vae = vae
            size, steps, guidance = renderer.default_size, renderer.default_steps, renderer.default_guidance
            job = Job(PROMPT, "", next(seeds), *size, steps, guidance)
            return in_bfloat16(lambda: render(renderer, job)) if bfloat16 else render(renderer, job)

        return render_next

    return {
        "torch": variant(backend),
        "torch, VAE channels last": variant(backend, vae=channels_last),
        "torch, bfloat16 autocast": variant(backend, bfloat16=True),
        "ONNX Runtime and NumPy": variant(embedded),
    }


def render(backend: Backend, job: Job) -> np.ndarray:
    return backend.render(job, lambda done, total: None)


def in_bfloat16(work: Variant) -> np.ndarray:
    with torch.autocast("cpu", torch.bfloat16):
        return work()


def compare(variants: Mapping[str, Variant], turns: int) -> dict[str, tuple[list[float], list[np.ndarray]]]:
    """CPU seconds and results of each variant, by turn. The first turn warms up and is not counted."""
    found: dict[str, tuple[list[float], list[np.ndarray]]] = {name: ([], []) for name in variants}
    with torch.inference_mode():
        for turn in range(turns + 1):
            for name, work in variants.items():
                start = time.process_time()
                result = work()
                if turn:
                    found[name][0].append(time.process_time() - start)
                    found[name][1].append(result)
    return found


def report(what: str, found: dict[str, tuple[list[float], list[np.ndarray]]], of: str = "difference") -> None:
    base, expected = found["torch"]
    print(f"\n| {what} | ms | of torch | {of} |\n|---|---|---|---|")
    for name, (seconds, results) in found.items():
        share = statistics.median(own / torch_seconds for own, torch_seconds in zip(seconds, base, strict=True))
        differences = [np.abs(a.astype(float) - b) for a, b in zip(results, expected, strict=True)]
        largest = max(one.max() for one in differences)
        differ = f"{statistics.median((one > 0).mean() for one in differences):.3%}, {largest:.0f}/255"
        last = differ if expected[0].dtype == np.uint8 else f"{largest:.1g}"
        print(f"| {name} | {1000 * statistics.median(seconds):.0f} | {share:.2f} | {last} |")


if __name__ == "__main__":
    main()
