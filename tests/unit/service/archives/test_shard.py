import pickle
from pathlib import Path

from service.archives.entry import Entry
from service.archives.shard import Listing, PendingShards, Shard
from tests.support.archives import shards_of


def test_what_is_left_keeps_its_numbers() -> None:
    shard = Shard(3, 30, (Entry("a"), Entry("b"), Entry("c")))
    assert shard.after(2) == Shard(3, 32, (Entry("c"),))
    assert shard.after(3).entries == ()


def test_a_listing_gives_any_shard_in_any_process(tmp_path: Path) -> None:
    shards_of(tmp_path, "a", "ü", "\udcff", "d")
    listing: Listing = pickle.loads(pickle.dumps(Listing(tmp_path / "listing.jsonl", 3)))
    assert len(listing) == 2
    assert listing.shard(1) == Shard(1, 3, (Entry("d"),))
    assert listing.shard(0).entries == (Entry("a"), Entry("ü"), Entry("\udcff"))


def test_only_what_is_pending_is_examined(tmp_path: Path) -> None:
    whole = shards_of(tmp_path, *"abcdefgh")
    pending = PendingShards(whole.listing, [0, 2])
    assert len(pending) == 2
    assert [shard.first for shard in pending] == [0, 6]
    assert pending.at(1).entries == (Entry("g"), Entry("h"))


def test_an_empty_listing_has_no_shards(tmp_path: Path) -> None:
    assert list(shards_of(tmp_path)) == []
