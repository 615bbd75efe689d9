"""Throughput of POST /v1/images/generations with 1, 4 and 16 clients, compared with the bare pipeline on the same jobs.

    python benchmarks/generation.py [--pictures N] [--steps N] [--rounds N] [--threads N] [--batch N] [--pipeline DIR]
    python benchmarks/generation.py --shape sd15 --shape sdxl       # needs a CUDA GPU; random weights of those shapes

The server runs in its own process. The bare pipeline runs in this process, with as many threads, while the server is
idle: once with the server's networks, and once in torch alone if that differs ("diffusers alone"). All of them take
turns; figures are medians of the rounds. "CPU seconds" are those of the whole process with all its threads: unlike
wall-clock time, they stay comparable while the machine runs other programs.

--shape generates images one at a time, bare and through the gateway, and then eight images: bare one after the other,
through the gateway by four callers. Random weights generate noise, which cannot be watermarked, so in both cases a
landscape of the same size replaces the generated image. Prints Markdown.
"""

import os
from functools import partial

from service.generation.queue import Queue

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import argparse
import asyncio
import functools
import itertools
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from service.gateway.order import Order
from service.gateway.pipeline import Gateway
from service.generation import Backend, Job, OnStep
from service.generation.backend_proxy import BackendProxy
from service.generation.diffusers.loading import load_backend as load_in_torch
from service.generation.embedded.backend import EmbeddedBackend
from service.generation.loading import load_backend
from service.installation import open_installation
from service.kit import logs
from service.kit.settings import Settings
from tests.support.painter import landscape

CLIENTS = (1, 4, 16)
BARE = "bare pipeline"
# Not "a red fox in the snow at night": open_nsfw flagged one draft in five of version 3 of the model as unsafe.
PROMPT = "a sailboat by the sea at sunset"
TICKS = os.sysconf("SC_CLK_TCK")
SHAPES = ("tiny", "sd15", "sdxl")
TOGETHER = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=16, help="images per round (default 16)")
    parser.add_argument("--steps", type=int, help="sampling steps (default: the model's)")
    parser.add_argument("--rounds", type=int, default=3, help="default 3")
    parser.add_argument(
        "--threads", type=int, default=1, help="threads of the server and of the bare pipeline (default 1)"
    )
    parser.add_argument("--batch", type=int, default=1, help="the server's batch size (default 1)")
    parser.add_argument("--pipeline", default="embedded", help="`embedded` or a diffusers folder")
    parser.add_argument("--shape", action="append", choices=SHAPES, default=[], help="can be repeated")
    options = parser.parse_args()
    logs.configure("error")
    for shape in options.shape:
        in_process(shape, options)
    if not options.shape:
        over_http(options)


# Over HTTP.


def over_http(options: argparse.Namespace) -> None:
    backend = load_backend(Settings(threads=options.threads, pipeline=options.pipeline))
    bares: dict[str, Backend] = {BARE: backend}
    if isinstance(backend, EmbeddedBackend):
        bares["diffusers alone"] = load_in_torch(Settings(threads=options.threads))
    seeds = itertools.count()
    rates: dict[object, list[float]] = defaultdict(list)
    cpu: dict[object, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as home:
        server = Server(Path(home), options)
        try:
            server.generate(1, 1, seeds)  # a first image each, which loads what is loaded lazily
            for bare in bares.values():
                generate_bare(bare, 1, options.steps, seeds)
            for _ in range(options.rounds):
                for source in (*bares, *CLIENTS):
                    pid = server.pid if isinstance(source, int) else os.getpid()
                    before, start = cpu_seconds(pid), time.perf_counter()
                    if isinstance(source, int):
                        server.generate(source, options.pictures, seeds)
                    else:
                        generate_bare(bares[str(source)], options.pictures, options.steps, seeds)
                    rates[source].append(options.pictures / (time.perf_counter() - start))
                    cpu[source].append((cpu_seconds(pid) - before) / options.pictures)
        finally:
            server.stop()
    print("| clients | images per second | of the bare pipeline | CPU seconds per image | of the bare pipeline |")
    print("|---|---|---|---|---|")
    for source, source_rates in rates.items():
        # Ratios are taken within a round, because other load on the machine changes from round to round.
        shares = [own / bare for own, bare in zip(source_rates, rates[BARE], strict=True)]
        cpu_shares = [own / bare for own, bare in zip(cpu[source], cpu[BARE], strict=True)]
        rate, share, seconds, cpu_share = map(statistics.median, (source_rates, shares, cpu[source], cpu_shares))
        print(f"| {source} | {rate:.3f} | {share:.2f} | {seconds:.2f} | {cpu_share:.2f} |")


def generate_bare(backend: Backend, images: int, steps: int | None, seeds: "itertools.count[int]") -> None:
    for _ in range(images):
        backend.render(job(backend, next(seeds), steps), lambda done, total: None)


def job(backend: Backend, seed: int, steps: int | None) -> Job:
    return Job(PROMPT, "", seed, *backend.default_size, steps or backend.default_steps, backend.default_guidance)


def cpu_seconds(pid: int) -> float:
    """CPU seconds of all threads of a process, in user and kernel mode (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class Server:
    """`countermark serve` in its own process."""

    def __init__(self, home: Path, options: argparse.Namespace) -> None:
        settings = {"HOME": home, "PORT": 8766, "THREADS": options.threads, "PIPELINE": options.pipeline}
        settings |= {"LOG_LEVEL": "error", "BATCH_SIZE": options.batch}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "service", "serve"],
            env={**os.environ, **{f"COUNTERMARK_{name}": str(value) for name, value in settings.items()}},
            stdout=subprocess.DEVNULL,
        )
        self.pid = self._process.pid
        self._steps = options.steps
        self._url = "http://127.0.0.1:8766"
        while self._process.poll() is None:
            try:
                httpx.get(f"{self._url}/healthz")
                return
            except httpx.TransportError:
                time.sleep(0.1)
        raise SystemExit("the server did not start; see its output above")

    def generate(self, clients: int, images: int, seeds: "itertools.count[int]") -> None:
        asyncio.run(self._generate(clients, images, seeds))

    async def _generate(self, clients: int, images: int, seeds: "itertools.count[int]") -> None:
        remaining = iter(range(images))
        # No certificates for plain HTTP: loading them would add 20 to 40 ms to each round.
        async with httpx.AsyncClient(timeout=600, verify=False) as session:

            async def client() -> None:
                for _ in remaining:
                    body = {"prompt": PROMPT, "seed": next(seeds), "num_inference_steps": self._steps}
                    response = await session.post(f"{self._url}/v1/images/generations", json=body)
                    response.raise_for_status()

            await asyncio.gather(*(client() for _ in range(clients)))

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()


# In this process, on a GPU.


def in_process(shape: str, options: argparse.Namespace) -> None:
    import torch

    if shape != "tiny" and not torch.cuda.is_available():
        print(f"SKIPPED: {shape} needs a CUDA GPU; none was found", file=sys.stderr)
        return
    device, precision = ("cpu", "float32") if shape == "tiny" else ("cuda", "bfloat16")
    with tempfile.TemporaryDirectory() as scratch:
        settings = Settings(
            home=Path(scratch) / "home",
            pipeline=str(save_pipeline(shape, Path(scratch) / shape)),
            device=device,
            precision=precision,
            threads=options.threads,
            safety_threshold=0.8,
            steering_retries=0,
            watermark_secret="a secret whose mark holds in noise",
        )
        installation = open_installation(settings)
        compare(shape, installation.gateway, options)
        installation.close()


def compare(shape: str, gateway: Gateway, options: argparse.Namespace) -> None:
    queue = gateway.backend._backend  # the gateway's backend is a proxy that upscales
    assert isinstance(queue, Queue)
    bare = queue._backend = Landscapes(queue._backend)
    times: dict[str, list[float]] = {"bare": [], "gateway": [], "bare, 8": [], "gateway, 8": []}

    def generate(seed: int) -> object:
        return bare.render(job(bare, seed, options.steps), lambda done, total: None)

    def release(seed: int) -> object:
        return gateway.release(Order(prompt=PROMPT, seed=seed, steps=options.steps))

    generate(0), release(0)
    with ThreadPoolExecutor(4) as callers:
        for turn in range(1, options.rounds * 4 + 1):
            times["bare"].append(timed(partial(generate, turn)))
            times["gateway"].append(timed(partial(release, turn)))
        for turn in range(options.rounds):
            seeds = range(TOGETHER * turn, TOGETHER * (turn + 1))
            times["bare, 8"].append(timed(lambda: [generate(seed) for seed in seeds]))  # noqa: B023 - run at once
            times["gateway, 8"].append(timed(lambda: list(callers.map(release, seeds))))  # noqa: B023
    median = {name: statistics.median(values) for name, values in times.items()}
    one_caller = median["gateway"] / median["bare"] - 1
    four_callers = median["gateway, 8"] / median["bare, 8"] - 1
    print("| shape | bare, ms per image | overhead of the gateway, one caller | four callers |")
    print("|---|---|---|---|")
    print(f"| {shape} | {1000 * median['bare']:.0f} | {one_caller:.1%} | {four_callers:.1%} |")


class Landscapes(BackendProxy):
    """Renders the job, and returns a landscape of the same size instead."""

    def render(self, job: Job, on_step: OnStep) -> np.ndarray:
        self._backend.render(job, on_step)
        return self._landscape(job.width, job.height)

    @staticmethod
    @functools.cache
    def _landscape(width: int, height: int) -> np.ndarray:
        return landscape(1, width, height)


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def save_pipeline(shape: str, folder: Path) -> Path:
    """Save a pipeline with random weights, and return its folder."""
    import torch

    from tests.support import pipelines

    torch.manual_seed(0)
    if shape == "tiny":
        return pipelines.stable_diffusion(folder)
    return sd15(folder) if shape == "sd15" else sdxl(folder)


def sd15(folder: Path) -> Path:
    """The shape of Stable Diffusion 1.5: 512 px, 0.86 billion weights in the UNet."""
    from diffusers import StableDiffusionPipeline, UNet2DConditionModel
    from transformers import CLIPTextModel

    StableDiffusionPipeline(
        vae=vae(),
        text_encoder=CLIPTextModel(text_encoder_config(768, 12, 12)),
        tokenizer=tokenizer(folder),
        unet=UNet2DConditionModel(sample_size=64, cross_attention_dim=768, attention_head_dim=8),
        scheduler=scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder)
    return folder


def sdxl(folder: Path) -> Path:
    """The shape of Stable Diffusion XL: 1024 px, 2.6 billion weights in the UNet."""
    from diffusers import StableDiffusionXLPipeline, UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    shared_tokenizer = tokenizer(folder)
    unet = UNet2DConditionModel(
        sample_size=128,
        block_out_channels=(320, 640, 1280),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        transformer_layers_per_block=(1, 2, 10),
        attention_head_dim=(5, 10, 20),
        cross_attention_dim=2048,
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=256,
        projection_class_embeddings_input_dim=1280 + 6 * 256,
    )
    StableDiffusionXLPipeline(
        vae=vae(),
        text_encoder=CLIPTextModel(text_encoder_config(768, 12, 12)),
        text_encoder_2=CLIPTextModelWithProjection(text_encoder_config(1280, 32, 20)),
        tokenizer=shared_tokenizer,
        tokenizer_2=shared_tokenizer,
        unet=unet,
        scheduler=scheduler(),
        add_watermarker=False,
    ).save_pretrained(folder)
    return folder


def vae() -> object:
    from diffusers import AutoencoderKL

    blocks = (128, 256, 512, 512)
    down, up = ("DownEncoderBlock2D",) * 4, ("UpDecoderBlock2D",) * 4
    return AutoencoderKL(block_out_channels=blocks, down_block_types=down, up_block_types=up, layers_per_block=2)


def text_encoder_config(width: int, layers: int, heads: int) -> object:
    """CLIP's configuration with the tests' small vocabulary: a table of 49,408 tokens would be no slower to look up."""
    from tests.support.pipelines import clip_text

    config = clip_text()
    config.hidden_size, config.intermediate_size, config.projection_dim = width, 4 * width, width
    config.num_hidden_layers, config.num_attention_heads, config.max_position_embeddings = layers, heads, 77
    return config


def tokenizer(folder: Path) -> object:
    from tests.support.pipelines import clip_tokenizer

    result = clip_tokenizer(folder / "scratch")
    result.model_max_length = 77
    return result


def scheduler() -> object:
    from diffusers import DDIMScheduler

    return DDIMScheduler(beta_schedule="scaled_linear", clip_sample=False, set_alpha_to_one=False, steps_offset=1)


if __name__ == "__main__":
    main()
