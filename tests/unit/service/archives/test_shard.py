from service.archives.entry import Entry
from service.archives.shard import Shard


def test_what_is_left_keeps_its_numbers() -> None:
    shard = Shard(3, 30, (Entry("a"), Entry("b"), Entry("c")))
    assert shard.after(2) == Shard(3, 32, (Entry("c"),))
    assert shard.after(3).entries == ()
