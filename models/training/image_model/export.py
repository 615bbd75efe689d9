"""Write the pipeline folder: a plain diffusers StableDiffusionPipeline in float16, and its vocabulary."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path

from diffusers import AutoencoderKL, StableDiffusionPipeline
from transformers import CLIPTokenizer

from . import vocabulary as words
from .captions import names, trained_words
from .networks import TextToLatents, build_scheduler
from .objects import OBJECTS


def write(folder: Path, vae: AutoencoderKL, model: TextToLatents, tokenizer: CLIPTokenizer) -> None:
    """Write the folder under a temporary name and swap it in. An existing README is kept."""
    pipeline = StableDiffusionPipeline(
        vae=copy.deepcopy(vae).half().cpu(),
        text_encoder=copy.deepcopy(model.text).half().cpu(),
        tokenizer=tokenizer,
        unet=copy.deepcopy(model.unet).half().cpu(),
        scheduler=build_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    fresh, old = folder.with_name(folder.name + ".new"), folder.with_name(folder.name + ".old")
    shutil.rmtree(fresh, ignore_errors=True)
    pipeline.save_pretrained(fresh, safe_serialization=True)
    _load_as_float32(fresh / "text_encoder" / "config.json")
    for file in fresh.rglob("*.safetensors"):
        file.chmod(0o644)
    (fresh / "vocabulary.json").write_text(json.dumps(known_words(), indent=1) + "\n")
    if (folder / "README.md").exists():
        shutil.copy2(folder / "README.md", fresh)
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _load_as_float32(config: Path) -> None:
    """transformers loads weights in the dtype of the config, diffusers in float32: make them agree."""
    values = json.loads(config.read_text())
    values["dtype"] = "float32"
    config.write_text(json.dumps(values, indent=2) + "\n")


def known_words() -> dict[str, object]:
    """The contents of `vocabulary.json`: names with synonyms, and every word that occurs in captions."""
    places = {name: [*words.PLACE_TAGS[name], *words.PLACES[name]] for name in words.PLACES}
    places[words.STUDIO] = [pattern.replace("{}", "<colour>") for pattern in words.STUDIO_PLACES]
    return {
        "objects": {name: list(names(name)) for name in OBJECTS},
        "coloured_objects": [name for name, kind in OBJECTS.items() if kind.hues],
        "object_colours": list(words.OBJECT_COLOURS),
        "settings": places,
        "times": {name: [*words.TIME_TAGS[name], *words.TIMES[name]] for name in words.TIMES},
        "weathers": {name: [*words.WEATHER_TAGS[name], *words.WEATHERS[name]] for name in words.WEATHERS},
        "styles": {name: [*words.STYLE_TAGS[name], *words.STYLES[name]] for name in words.STYLES},
        "counts": {str(number): list(options) for number, options in words.NUMBERS.items()},
        "relations": {name: [_shown(phrase) for phrase in phrases] for name, phrases in words.RELATIONS.items()},
        "colours": {name: list(options) for name, options in words.COLOUR_WORDS.items()},
        "words": trained_words(),
    }


def _shown(phrase: str) -> str:
    return phrase.format(a="<object>", b="<other object>")
