"""Throughput of POST /v1/images/generations with 1, 4 and 16 clients, against the bare pipeline on the same jobs.

    python benchmarks/generation.py [--pictures N] [--steps N] [--rounds N] [--threads N] [--batch N] [--pipeline DIR]
    python benchmarks/generation.py --shape sd15 --shape sdxl       # needs a CUDA GPU; random weights of those shapes

The server runs in a process of its own; the bare pipeline draws in this one, with as many threads, while the server
idles: as the server draws, and by torch alone where that is something else ("diffusers alone"). All are measured in
turns, medians of the rounds. "CPU seconds" are those of the process, all its threads:
what a machine that does other things at the same time still tells rightly, where the clock on the wall does not.

With --shape one picture after the other is drawn bare and through the gateway, then eight at once by four callers.
What random weights draw is noise, which takes no mark: a landscape of that size takes its place once it is drawn, in
both. Prints Markdown.
"""

import os
from functools import partial

from service.generation.queue import Queue

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import argparse
import asyncio
import copy
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
from service.generation.diffusers.backend import DiffusersBackend
from service.generation.diffusers.loading import load_backend
from service.installation import open_installation
from service.kit import logs
from service.kit.settings import Settings
from tests.support.painter import landscape

CLIENTS = (1, 4, 16)
BARE = "bare pipeline"
# Not "a red fox in the snow at night": of version 3 of the model one draft in five looked unsafe to open_nsfw.
PROMPT = "a sailboat by the sea at sunset"
TICKS = os.sysconf("SC_CLK_TCK")
SHAPES = ("tiny", "sd15", "sdxl")
TOGETHER = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=16, help="of each round")
    parser.add_argument("--steps", type=int, help="default: the model's own")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=1, help="batch_size of the server")
    parser.add_argument("--pipeline", default="embedded")
    parser.add_argument("--shape", action="append", choices=SHAPES, default=[])
    wish = parser.parse_args()
    logs.configure("error")
    for shape in wish.shape:
        in_process(shape, wish)
    if not wish.shape:
        over_http(wish)


# Over HTTP.


def over_http(wish: argparse.Namespace) -> None:
    backend = load_backend(Settings(threads=wish.threads, pipeline=wish.pipeline))
    bares = {BARE: backend, **({"diffusers alone": by_torch(backend)} if backend._parts else {})}
    seeds = itertools.count()
    rates: dict[object, list[float]] = defaultdict(list)
    cpu: dict[object, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as home:
        server = Server(Path(home), wish)
        try:
            server.draw(1, 1, seeds)  # loads what is loaded with the first picture, as the line below
            for bare in bares.values():
                draw_bare(bare, 1, wish.steps, seeds)
            for _ in range(wish.rounds):
                for who in (*bares, *CLIENTS):
                    pid = server.pid if isinstance(who, int) else own()
                    before, start = cpu_seconds(pid), time.perf_counter()
                    if isinstance(who, int):
                        server.draw(who, wish.pictures, seeds)
                    else:
                        draw_bare(bares[str(who)], wish.pictures, wish.steps, seeds)
                    rates[who].append(wish.pictures / (time.perf_counter() - start))
                    cpu[who].append((cpu_seconds(pid) - before) / wish.pictures)
        finally:
            server.stop()
    print("| clients | pictures a second | share of the bare pipeline | CPU seconds a picture | of the bare pipeline |")
    print("|---|---|---|---|---|")
    for who, found in rates.items():
        # Rounds are compared with themselves: what else the machine does changes from one to the next.
        shares = [mine / bare for mine, bare in zip(found, rates[BARE], strict=True)]
        more = [mine / bare for mine, bare in zip(cpu[who], cpu[BARE], strict=True)]
        rate, share, seconds, spent = map(statistics.median, (found, shares, cpu[who], more))
        print(f"| {who} | {rate:.3f} | {share:.2f} | {seconds:.2f} | {spent:.2f} |")


def by_torch(backend: DiffusersBackend) -> DiffusersBackend:
    """The same pipeline without what computes in the place of its networks."""
    plain = copy.copy(backend)
    plain._parts = ()
    return plain


def draw_bare(backend: Backend, pictures: int, steps: int | None, seeds: "itertools.count[int]") -> None:
    for _ in range(pictures):
        backend.render(job(backend, next(seeds), steps), lambda done, total: None)


def job(backend: Backend, seed: int, steps: int | None) -> Job:
    return Job(PROMPT, "", seed, *backend.default_size, steps or backend.default_steps, backend.default_guidance)


def own() -> int:
    return os.getpid()


def cpu_seconds(pid: int) -> float:
    """Of all threads of a process, in user and kernel mode (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class Server:
    """`countermark serve` in a process of its own."""

    def __init__(self, home: Path, wish: argparse.Namespace) -> None:
        settings = {"HOME": home, "PORT": 8766, "THREADS": wish.threads, "PIPELINE": wish.pipeline}
        settings |= {"LOG_LEVEL": "error", "BATCH_SIZE": wish.batch}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "service", "serve"],
            env={**os.environ, **{f"COUNTERMARK_{name}": str(value) for name, value in settings.items()}},
            stdout=subprocess.DEVNULL,
        )
        self.pid = self._process.pid
        self._steps = wish.steps
        self._url = "http://127.0.0.1:8766"
        while self._process.poll() is None:
            try:
                httpx.get(f"{self._url}/healthz")
                return
            except httpx.TransportError:
                time.sleep(0.1)
        raise SystemExit("the server did not start; what it said stands above")

    def draw(self, clients: int, pictures: int, seeds: "itertools.count[int]") -> None:
        asyncio.run(self._draw(clients, pictures, seeds))

    async def _draw(self, clients: int, pictures: int, seeds: "itertools.count[int]") -> None:
        left = iter(range(pictures))
        # Certificates are for https alone: to load them would be counted with the pictures, 20 to 40 ms a round.
        async with httpx.AsyncClient(timeout=600, verify=False) as session:

            async def client() -> None:
                for _ in left:
                    wish = {"prompt": PROMPT, "seed": next(seeds), "num_inference_steps": self._steps}
                    answer = await session.post(f"{self._url}/v1/images/generations", json=wish)
                    answer.raise_for_status()

            await asyncio.gather(*(client() for _ in range(clients)))

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()


# In one process, on a GPU.


def in_process(shape: str, wish: argparse.Namespace) -> None:
    import torch

    if shape != "tiny" and not torch.cuda.is_available():
        print(f"SKIPPED: {shape} needs a CUDA GPU, and there is none here", file=sys.stderr)
        return
    device, precision = ("cpu", "float32") if shape == "tiny" else ("cuda", "bfloat16")
    with tempfile.TemporaryDirectory() as scratch:
        settings = Settings(
            home=Path(scratch) / "home",
            pipeline=str(make(shape, Path(scratch) / shape)),
            device=device,
            precision=precision,
            threads=wish.threads,
            safety_threshold=0.8,
            steering_retries=0,
            watermark_secret="a secret whose mark holds in noise",
        )
        installation = open_installation(settings)
        compare(shape, installation.gateway, wish)
        installation.close()


def compare(shape: str, gateway: Gateway, wish: argparse.Namespace) -> None:
    queue = gateway.backend._backend  # behind the enlarger
    assert isinstance(queue, Queue)
    bare = queue._backend = Landscapes(queue._backend)
    took: dict[str, list[float]] = {"bare": [], "gateway": [], "bare, 8": [], "gateway, 8": []}

    def drawn(seed: int) -> object:
        return bare.render(job(bare, seed, wish.steps), lambda done, total: None)

    def released(seed: int) -> object:
        return gateway.release(Order(prompt=PROMPT, seed=seed, steps=wish.steps))

    drawn(0), released(0)
    with ThreadPoolExecutor(4) as callers:
        for turn in range(1, wish.rounds * 4 + 1):
            took["bare"].append(timed(partial(drawn, turn)))
            took["gateway"].append(timed(partial(released, turn)))
        for turn in range(wish.rounds):
            seeds = range(TOGETHER * turn, TOGETHER * (turn + 1))
            took["bare, 8"].append(timed(lambda: [drawn(seed) for seed in seeds]))  # noqa: B023 - run at once
            took["gateway, 8"].append(timed(lambda: list(callers.map(released, seeds))))  # noqa: B023
    median = {name: statistics.median(values) for name, values in took.items()}
    alone = median["gateway"] / median["bare"] - 1
    busy = median["gateway, 8"] / median["bare, 8"] - 1
    print("| shape | ms a picture, bare | overhead of the gateway, one caller | four callers |")
    print("|---|---|---|---|")
    print(f"| {shape} | {1000 * median['bare']:.0f} | {alone:.1%} | {busy:.1%} |")


class Landscapes(BackendProxy):
    """Draws, and gives a landscape instead."""

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


def make(shape: str, folder: Path) -> Path:
    """A pipeline folder of random weights."""
    import torch

    from tests.support import pipelines

    torch.manual_seed(0)
    if shape == "tiny":
        return pipelines.stable_diffusion(folder)
    return sd15(folder) if shape == "sd15" else sdxl(folder)


def sd15(folder: Path) -> Path:
    """As Stable Diffusion 1.5: 512 px, 0.86 billion weights in the UNet."""
    from diffusers import StableDiffusionPipeline, UNet2DConditionModel
    from transformers import CLIPTextModel

    StableDiffusionPipeline(
        vae=vae(),
        text_encoder=CLIPTextModel(text(768, 12, 12)),
        tokenizer=tokenizer(folder),
        unet=UNet2DConditionModel(sample_size=64, cross_attention_dim=768, attention_head_dim=8),
        scheduler=scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder)
    return folder


def sdxl(folder: Path) -> Path:
    """As Stable Diffusion XL: 1024 px, 2.6 billion weights in the UNet."""
    from diffusers import StableDiffusionXLPipeline, UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    words = tokenizer(folder)
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
        text_encoder=CLIPTextModel(text(768, 12, 12)),
        text_encoder_2=CLIPTextModelWithProjection(text(1280, 32, 20)),
        tokenizer=words,
        tokenizer_2=words,
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


def text(width: int, layers: int, heads: int) -> object:
    """A CLIP text encoder over the tests' alphabet: the embedding of 49,408 tokens costs nothing in the drawing."""
    from tests.support.pipelines import clip_text

    config = clip_text()
    config.hidden_size, config.intermediate_size, config.projection_dim = width, 4 * width, width
    config.num_hidden_layers, config.num_attention_heads, config.max_position_embeddings = layers, heads, 77
    return config


def tokenizer(folder: Path) -> object:
    from tests.support.pipelines import clip_tokenizer

    words = clip_tokenizer(folder / "scratch")
    words.model_max_length = 77
    return words


def scheduler() -> object:
    from diffusers import DDIMScheduler

    return DDIMScheduler(beta_schedule="scaled_linear", clip_sample=False, set_alpha_to_one=False, steps_offset=1)


if __name__ == "__main__":
    main()
