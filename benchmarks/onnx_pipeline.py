"""The embedded pipeline by torch and by ONNX Runtime, on one core: its UNet, its VAE's decoder, and whole pictures.

    python benchmarks/onnx_pipeline.py [--pictures N] [--runs N]

All ways take turns in one process, and time is the processor's own (`time.process_time`), so that other programs on
the machine slow all of them alike; shares are medians of the shares of each turn. Differences are the greatest of any
number of a prediction, and of whole pictures how many of their values differ, and by how much at most.

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

from service.generation import Job
from service.generation.diffusers.backend import DiffusersBackend
from service.generation.diffusers.loading import load_backend
from service.generation.diffusers.onnx_parts import OnnxPart
from service.kit import logs
from service.kit.settings import Settings

PROMPT = "a red fox in the snow at night"
LAST = torch.channels_last
Way = Callable[[], np.ndarray]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=8)
    parser.add_argument("--runs", type=int, default=15, help="of the UNet and of the decoder alone")
    wish = parser.parse_args()
    logs.configure("error")
    backend = load_backend(Settings(threads=1))
    if len(backend._parts) != 2:
        raise SystemExit("the embedded model lacks a graph: python -m models.training.image_model.graph FOLDER")
    report_loading(backend)
    report("UNet, two predictions", compare(unets(backend), wish.runs))
    report("VAE decoder", compare(decoders(backend), wish.runs))
    report("whole picture", compare(pictures(backend), wish.pictures), of="values that differ, at most by")


def report_loading(backend: DiffusersBackend) -> None:
    for part in backend._parts:
        graph, start = (backend.folder / part.file).read_bytes(), time.process_time()
        type(part)(part._network, graph, 1)
        print(f"ONNX Runtime makes {part.file} ready, and proves it, in {time.process_time() - start:.1f} s.")


def unets(backend: DiffusersBackend) -> dict[str, Way]:
    """One step of a picture with guidance: the prediction with and without the prompt."""
    unet = backend._pipeline.unet
    config = unet.config
    sample = torch.randn(2, config.in_channels, config.sample_size, config.sample_size)
    tokens = backend._pipeline.text_encoder.config.max_position_embeddings
    states = torch.randn(2, tokens, config.cross_attention_dim)
    turned, joined = copy.deepcopy(unet).to(memory_format=LAST), copy.deepcopy(unet)
    joined.fuse_qkv_projections()

    def asked(network: Any, memory: torch.memory_format = torch.contiguous_format) -> np.ndarray:
        given = sample.contiguous(memory_format=memory)
        result: np.ndarray = network(given, torch.tensor(500), states, return_dict=False)[0].float().numpy()
        return result

    return {
        "torch": lambda: asked(unet),
        "torch, channels last": lambda: asked(turned, LAST),
        "torch, fused projections": lambda: asked(joined),
        "torch, bfloat16 autocast": lambda: halved(lambda: asked(unet)),
        "torch, bfloat16 autocast, channels last": lambda: halved(lambda: asked(turned, LAST)),
        "ONNX Runtime": by_graph(backend._parts[0], lambda: asked(unet)),
    }


def decoders(backend: DiffusersBackend) -> dict[str, Way]:
    vae = backend._pipeline.vae
    side = backend._pipeline.unet.config.sample_size
    latents = torch.randn(1, vae.config.latent_channels, side, side)
    turned = copy.deepcopy(vae).to(memory_format=LAST)

    def asked(network: Any, memory: torch.memory_format = torch.contiguous_format) -> np.ndarray:
        result: np.ndarray = (
            network.decode(latents.contiguous(memory_format=memory), return_dict=False)[0].float().numpy()
        )
        return result

    return {
        "torch": lambda: asked(vae),
        "torch, channels last": lambda: asked(turned, LAST),
        "torch, bfloat16 autocast": lambda: halved(lambda: asked(vae)),
        "torch, bfloat16 autocast, channels last": lambda: halved(lambda: asked(turned, LAST)),
        "ONNX Runtime": by_graph(backend._parts[1], lambda: asked(vae)),
    }


def by_graph(part: OnnxPart, work: Way) -> Way:
    def asked() -> np.ndarray:
        with part.active():
            return work()

    return asked


def pictures(backend: DiffusersBackend) -> dict[str, Way]:
    """Each call of a way draws its next seed, so that all draw the same ones."""
    pipeline, (denoiser, decoder) = backend._pipeline, backend._parts
    own, turned = pipeline.vae, copy.deepcopy(pipeline.vae).to(memory_format=LAST)

    def way(*parts: OnnxPart, vae: torch.nn.Module = own, half: bool = False) -> Way:
        seeds = iter(range(1 << 30))

        def draw() -> np.ndarray:
            backend._parts, pipeline.vae = parts, vae
            size, steps, guidance = backend.default_size, backend.default_steps, backend.default_guidance
            job = Job(PROMPT, "", next(seeds), *size, steps, guidance)
            return halved(lambda: drawn(backend, job)) if half else drawn(backend, job)

        return draw

    return {
        "torch": way(),
        "torch, VAE channels last": way(vae=turned),
        "torch, bfloat16 autocast": way(half=True),
        "UNet by ONNX Runtime": way(denoiser),
        "UNet by ONNX Runtime, VAE channels last": way(denoiser, vae=turned),
        "UNet and VAE by ONNX Runtime": way(denoiser, decoder),
    }


def drawn(backend: DiffusersBackend, job: Job) -> np.ndarray:
    return backend.render(job, lambda done, total: None)


def halved(work: Way) -> np.ndarray:
    with torch.autocast("cpu", torch.bfloat16):
        return work()


def compare(ways: Mapping[str, Way], turns: int) -> dict[str, tuple[list[float], list[np.ndarray]]]:
    """Processor seconds and results of each way, by turn; the first turn warms up and is not counted."""
    found: dict[str, tuple[list[float], list[np.ndarray]]] = {name: ([], []) for name in ways}
    with torch.inference_mode():
        for turn in range(turns + 1):
            for name, work in ways.items():
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
        share = statistics.median(mine / torchs for mine, torchs in zip(seconds, base, strict=True))
        apart = [np.abs(a.astype(float) - b) for a, b in zip(results, expected, strict=True)]
        most = max(one.max() for one in apart)
        differ = f"{statistics.median((one > 0).mean() for one in apart):.3%}, {most:.0f}/255"
        last = differ if expected[0].dtype == np.uint8 else f"{most:.1g}"
        print(f"| {name} | {1000 * statistics.median(seconds):.0f} | {share:.2f} | {last} |")


if __name__ == "__main__":
    main()
