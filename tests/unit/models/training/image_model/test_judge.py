"""The judge's questions, and how answers are counted."""

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from models.training.image_model.evaluate import covers, held_out_prompts, score, table
from models.training.image_model.export import known_words
from models.training.image_model.judge import HEADS, Judge, facts, read, shrink, targets_of, train
from models.training.image_model.scenes import Scene, Thing, sample

PAIR = Scene((Thing("car", "red"), Thing("fox")), "left of", "beach", time="night")
RIGHT = {name: answer or HEADS[name][0] for name, answer in facts(PAIR).items()}


def test_every_fact_is_an_answer() -> None:
    rng = random.Random(0)
    for scene in (sample(rng) for _ in range(500)):
        assert all(answer is None or answer in HEADS[name] for name, answer in facts(scene).items())


def test_what_cannot_be_seen_is_not_asked() -> None:
    assert facts(replace(PAIR, setting="studio", backdrop="grey"))["time"] is None
    assert facts(replace(PAIR, style="sketch"))["colour"] is None
    assert targets_of([replace(PAIR, style="sketch")])["colour"].tolist() == [-1]


def test_all_right_is_all_right() -> None:
    found = score([PAIR], [RIGHT])
    assert {name: value["right"] for name, value in found.items()} == dict.fromkeys(found, 1.0)
    assert {"object", "colour", "setting", "time", "relation", "all"} <= set(found)


def test_exchanged_objects_are_the_right_objects_in_the_wrong_relation() -> None:
    found = score([PAIR], [{**RIGHT, "first": "fox", "second": "car"}])
    assert found["object"]["right"] == 1
    assert found["relation"]["right"] == 0
    assert found["all"]["right"] == 0


def test_a_wrong_object_leaves_the_count_right() -> None:
    scene = Scene((Thing("car"),), "two", "beach")
    found = score([scene], [{**RIGHT, "first": "bus", "second": "-", "arrangement": "two", "time": "day"}])
    assert (found["count"]["right"], found["object"]["right"]) == (1, 0)


def test_the_table_has_every_attribute() -> None:
    report = {"drawn": score([PAIR], [RIGHT]), "rendered": score([PAIR], [RIGHT])}
    assert all(f"| {name} | 1 | 100.0% | 100.0% |" in table(report) for name in report["drawn"])


def test_prompts_are_held_out_and_known() -> None:
    known = known_words()
    prompts = held_out_prompts(30, 1, known)
    assert prompts == held_out_prompts(30, 1, known)
    assert all(scene.held_out for scene, _ in prompts)


def test_a_smaller_world_is_asked_for_less() -> None:
    known = known_words()
    older = {name: known[name] for name in ("objects", "settings", "words")} | {"objects": {"car": ["car"]}}
    assert not covers(older, PAIR)
    assert not covers(older, Scene((Thing("car"),), "two", "beach"))
    assert not covers(older, Scene((Thing("car"),), "one", "beach", weather="fog"))
    assert not covers(older, Scene((Thing("fox"),), "one", "beach"))
    assert covers(older, Scene((Thing("car"),), "one", "beach"))


def test_pictures_are_averaged_down() -> None:
    picture = np.zeros((1, 256, 256, 3), np.uint8)
    picture[:, ::2] = 255
    assert torch.allclose(shrink(picture, torch.device("cpu")), torch.zeros(1, 3, 128, 128), atol=1e-6)


def test_it_trains_resumes_and_answers(tmp_path: Path) -> None:
    pictures = np.random.default_rng(0).integers(0, 255, (4, 256, 256, 3), np.uint8)
    scenes = [replace(PAIR, time=time) for time in ("day", "night", "sunset", "day")]
    model = train(tmp_path / "judge.pt", pictures, scenes, 0.001, torch.device("cpu"))
    again = train(tmp_path / "judge.pt", pictures, scenes, 0.001, torch.device("cpu"))
    answers = read(model, pictures, torch.device("cpu"))
    assert answers == read(again, pictures, torch.device("cpu"))
    assert all(answer[name] in HEADS[name] for answer in answers for name in HEADS)
    assert isinstance(again, Judge)
