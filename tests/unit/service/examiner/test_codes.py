from service.examiner.codes import ReasonCode, Topic, catalogue, holding, in_order


class Early(ReasonCode):
    LAST = "last", Topic.CLASSIFIERS, "It comes last."
    FIRST = "first", Topic.CREDENTIAL, "It comes first."


class Late(ReasonCode):
    MIDDLE = "middle", Topic.FILE, "It is in the middle."


def test_a_code_is_its_string_and_knows_its_text() -> None:
    assert (Early.FIRST.value, str(Early.FIRST)) == ("first", "first")
    assert (Early.FIRST.topic, Early.FIRST.text) == (Topic.CREDENTIAL, "It comes first.")


def test_codes_are_ordered_by_topic_whichever_lane_they_come_from() -> None:
    assert list(catalogue([Early, Late])) == ["first", "middle", "last"]
    assert in_order([Early.LAST, Late.MIDDLE, Early.FIRST]) == ["first", "middle", "last"]


def test_only_what_holds() -> None:
    assert holding({"a": True, "b": False, "c": True}) == ("a", "c")
