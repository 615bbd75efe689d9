import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from service.archives.file_examiner import ExaminationOptions
from service.archives.ray_data import Feeder, RayData, ShardExaminer
from service.archives.shard import PendingShards
from service.installation import Installation
from service.kit.errors import Unavailable
from service.kit.settings import PREFIX
from tests.support.archives import fill, shards_of

NAMES = "abcdefgh"


class Remote:
    """A feeder as an actor sees it; what it is asked for is there at once."""

    def __init__(self, feeder: Feeder) -> None:
        for name in ("take", "tell", "done"):
            setattr(self, name, SimpleNamespace(remote=getattr(feeder, name)))


@pytest.fixture(autouse=True)
def _ray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(get=lambda value: value))


def test_a_file_that_actors_die_on_is_left_alone(tmp_path: Path) -> None:
    feeder = Feeder(shards_of(tmp_path, *NAMES))
    first = feeder.take(1)
    assert (first.shard.first, first.tell, first.fatal) == (3, False, frozenset())
    for _ in range(2):
        again = feeder.take(1)  # whoever had it has died
        assert (again.tell, again.fatal) == (True, frozenset())
        feeder.tell(1, 3)
        feeder.tell(1, 4)
    assert feeder.take(1).fatal == {4}
    feeder.tell(1, 5)
    feeder.done(1)
    assert feeder.take(1).fatal == {4}
    assert not feeder.take(0).tell


def examiner(shards: PendingShards, source: Path) -> ShardExaminer:
    return ShardExaminer(Remote(Feeder(shards)), ExaminationOptions(str(source), classify=False))


def answered(actor: ShardExaminer, index: int) -> dict[str, Any]:
    return {name: values[0] for name, values in actor({"id": [index]}).items()}


def test_an_actor_gives_the_rows_of_a_shard(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = fill(tmp_path / "files", 4)
    shards = shards_of(tmp_path, *sorted(path.name for path in source.iterdir()))
    actor = examiner(shards, source)
    rows = json.loads(answered(actor, 0)["rows"])
    assert [row["number"] for row in rows] == [0, 1, 2]
    assert [row["number"] for row in json.loads(answered(actor, 1)["rows"])] == [3]
    monkeypatch.setattr(Feeder, "take", lambda self, index: SimpleNamespace(shard=shards.at(0), tell=True, fatal={1}))
    again = json.loads(answered(examiner(shards, source), 0)["rows"])
    assert [row["error"] for row in again] == ["unsupported_format", "internal", "unsupported_format"]


def test_an_error_that_is_no_files_fault_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PREFIX + "MAX_BYTES", "none")
    told = answered(examiner(shards_of(tmp_path, "a"), tmp_path), 0)
    assert json.loads(told["stopped"])["code"] == "misconfigured"


def test_without_ray_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray.data", None)
    with pytest.raises(Unavailable) as missing:
        list(RayData(1).run(shards_of(tmp_path, "a"), ExaminationOptions(str(tmp_path)), lambda _: None))
    assert "countermark[ray]" in missing.value.hint
    assert list(RayData(1).run(shards_of(tmp_path), ExaminationOptions(str(tmp_path)), lambda _: None)) == []
