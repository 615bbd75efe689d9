import io
import zipfile

from service.media.archive_parser import LONGEST_NAME, read


def test_names_are_labels_of_a_bounded_length() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("../" * 200 + "a.png", b"x")
    room = memoryview(bytearray(10))
    value, used = read(out.getvalue(), out=room, most_files=1, most_bytes=10)
    ((name, size),) = value["files"]
    assert (len(name), name[-5:], size, used, bytes(room[:1])) == (LONGEST_NAME, "a.png", 1, 1, b"x")
