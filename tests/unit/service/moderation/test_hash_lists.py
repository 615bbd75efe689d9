import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.kit.errors import BrokenList
from service.moderation.hash_lists import FORMATS, Listed, ListFormat, known_hash, read_list, write_list

A, B, C = (
    "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22",
    "e64cc9d91c623882f8d1f1d9a398e78c9f199b3bd83924f2b7e11e0bf861b064",
    "6227401f601ff4ccafcc9fad4b0d95d371a2eb7265a3285234d228ca94deeb2d",
)


def test_text() -> None:
    text = f"# list of Monday\n\npdq {A}\nsha256 {B.upper()}\n{C}\n{C}  # twice\n"
    assert read_list(text.encode(), kind="pdq").entries == (Listed("pdq", A), Listed("sha256", B), Listed("pdq", C))


def test_csv_with_a_header() -> None:
    rows = ("quality,type,hash,tags", f"100,pdq,{A},ncii urgent", f",HASH_SHA256,{B},", "", f"49,pdq,{C},", "1,md5,x,")
    text = "\ufeff" + "\r\n".join(rows)
    read = read_list(text.encode())
    assert read.entries == (Listed("pdq", A, "ncii urgent"), Listed("sha256", B))
    assert read.left_out == {"PDQ of too low a quality": 1, "another kind of hash": 1}


def test_csv_of_threatexchanges_export() -> None:
    text = f"{A},2880742865368386,2020-07-31T18:47:52+0000,media_type_photo ncii\n{B},1,2020,x\n"
    assert read_list(text.encode(), kind="pdq").entries == (
        Listed("pdq", A, "media_type_photo ncii"),
        Listed("pdq", B, "x"),
    )


def test_csv_without_a_header_may_name_types() -> None:
    assert read_list(f"{A},pdq\n{B},sha256\n".encode()).entries == (Listed("pdq", A), Listed("sha256", B))


def test_threatexchanges_json() -> None:
    rows = [
        {"id": "1", "indicator": A, "type": "HASH_PDQ", "status": "MALICIOUS", "tags": ["a", "b"]},
        {"indicator": B, "type": "pdq", "tags": {"data": [{"id": "9", "text": "c"}]}},
        {"indicator": C, "type": "HASH_SHA256", "tags": None},
        {"indicator": C, "type": "HASH_PDQ", "should_delete": True},
        {"indicator": C, "type": "HASH_PDQ", "status": "NON_MALICIOUS"},
        {"indicator": "d" * 32, "type": "HASH_MD5"},
    ]
    read = read_list(json.dumps({"data": rows}).encode())
    assert read.entries == (Listed("pdq", A, "a b"), Listed("pdq", B, "c"), Listed("sha256", C))
    assert read.left_out == {"withdrawn": 2, "another kind of hash": 1}


def test_stopnciis_json() -> None:
    rows = [
        {"lastModtimestamp": 1, "signalType": "ImagePDQ", "hashValue": A, "hashStatus": "Active", "caseNumbers": {}},
        {"lastModtimestamp": 2, "signalType": "ImagePDQ", "hashValue": B, "hashStatus": "Withdrawn"},
        {"lastModtimestamp": 3, "signalType": "VideoMD5", "hashValue": "0" * 32, "hashStatus": "Active"},
    ]
    read = read_list(json.dumps({"count": 3, "hashRecords": rows}).encode())
    assert read.entries == (Listed("pdq", A),)
    assert read.left_out == {"withdrawn": 1, "another kind of hash": 1}


BROKEN = {
    "empty": (b"", "empty"),
    "only comments": (b"# nothing\n", "empty"),
    "too short": (f"pdq {A}\npdq {A[:-1]}\n".encode(), "line 2: not a hash"),
    "no hex": (f"pdq {A}\n\npdq {'g' * 64}\n".encode(), "line 3: not a hash"),
    "no type": (f"{A}\n".encode(), "line 1: no type"),
    "type that is none": (f"??? {A}\n".encode(), "line 1: invalid type"),
    "not UTF-8": (b"pdq\n\xff\n", "line 2: not UTF-8"),
    "csv without hash": (b"a,b\n1,2\n", "line 1: there is no column named hash"),
    "csv of unknown columns": (f"{A},1,2\n".encode(), "line 1: the columns cannot"),
    "csv with a bad row": (f"hash,type\n{A},pdq\n{B},pdq\nx,pdq\n".encode(), "line 4: not a hash"),
    "csv with a missing cell": (f"type,hash\npdq,{A}\npdq\n".encode(), "line 3: not a hash"),
    "csv with a bad quality": (f"hash,type,quality\n{A},pdq,high\n{B},pdq,101\n".encode(), "line 2: the quality"),
    "csv with an endless quality": (f"hash,type,quality\n{A},pdq,{'9' * 5000}\n".encode(), "line 2: the quality"),
    "csv with a quality in other digits": (f"hash,type,quality\n{A},pdq,٩\n".encode(), "line 2: the quality"),
    "json with an endless number": (
        f'{{"data": [{{"quality": {"9" * 5000}}}]}}'.encode(),
        "line 1: the JSON has a number",
    ),
    "json syntax": (b'{"data": [\n{"indicator": }\n]}', "line 2: not JSON"),
    "json of another kind": (b'{"items": []}', "line 1: neither"),
    "json row": (json.dumps({"data": [{"indicator": A, "type": "pdq"}, 7]}).encode(), "entry 2: no type"),
    "json nested": (b"[" * 100_000, "line 1:"),
    "many": (b"pdq x\n" * 20, "and 15 more"),
}


@pytest.mark.parametrize(("data", "words"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_list_is_named_by_line(data: bytes, words: str) -> None:
    with pytest.raises(BrokenList) as caught:
        read_list(data)
    assert words in caught.value.message
    assert A[:20] not in caught.value.message


def test_hashes_of_empty_pictures_are_left_out() -> None:
    zeros, ones = "0" * 64, "f" * 64
    assert read_list(f"pdq {zeros}\npdq {ones}\n".encode()).entries == ()
    assert read_list(f"sha256 {zeros}\n".encode()).entries == (Listed("sha256", zeros),)


@pytest.mark.parametrize("form", FORMATS)
def test_what_is_written_can_be_read(form: ListFormat) -> None:
    entries = (Listed("pdq", A, "one two"), Listed("sha256", B, 'a "b", c'), Listed("pdq", C))
    read = read_list(write_list(entries, form).encode())
    assert [(e.kind, e.hash) for e in read.entries] == [(e.kind, e.hash) for e in entries]
    if form != "text":
        assert [e.reason for e in read.entries] == [e.reason for e in entries]


@given(st.binary(max_size=300))
def test_any_bytes_give_a_list_or_a_typed_error(data: bytes) -> None:
    with contextlib.suppress(BrokenList):
        assert read_list(data, kind="pdq").left_out is not None


def test_known_hash() -> None:
    assert known_hash(f" {A.upper()}\n") == A
    with pytest.raises(BrokenList):
        known_hash("abc")
