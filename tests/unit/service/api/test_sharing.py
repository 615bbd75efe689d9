from pathlib import Path

from service.api import sharing


def test_a_process_alone_shares_nothing() -> None:
    one, other = sharing.alone(), sharing.alone()
    one.counts.add("orders", 1)
    assert other.counts.total("orders") == 0
    assert one.buckets("addresses", 1, 1).take("a") == 0
    assert other.buckets("addresses", 1, 1).take("a") == 0


def test_workers_share_counts_and_buckets(tmp_path: Path) -> None:
    supervisor = sharing.prepare(tmp_path, 2)
    first, second = (sharing.of_worker(tmp_path, number) for number in range(2))
    second.counts.add("orders", 2)
    assert first.counts.total("orders") == supervisor.total("orders") == 2
    assert first.buckets("addresses", 1, 1).take("a") == 0
    assert second.buckets("addresses", 1, 1).take("a") > 0
    assert second.buckets("identifiers", 1, 1).take("a") == 0
    supervisor.clear(1)
    assert first.counts.total("orders") == 0
