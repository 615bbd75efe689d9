from service.archives.packing_limits import PackingLimits, too_many_members

MiB = 1 << 20


def test_a_bomb_is_refused_and_what_packs_well_is_not() -> None:
    limits = PackingLimits(100 * MiB)
    assert limits.fault(MiB, MiB) is None
    assert limits.fault(10, MiB) is None  # small, whatever its ratio
    assert limits.fault(MiB, 200 * MiB) is None
    fault = limits.fault(MiB, 201 * MiB)
    assert fault is not None
    assert fault.code == "too_large"


def test_members_that_share_their_bytes_are_refused() -> None:
    limits = PackingLimits(100)
    assert [limits.fault(40, 40) is None for _ in range(4)] == [True, True, False, False]


def test_too_many_members_are_named_with_what_to_do() -> None:
    error = too_many_members(5)
    assert "5" in error.message
    assert "--max-members" in error.hint
