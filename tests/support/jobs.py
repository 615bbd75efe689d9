"""Jobs as clients see them."""

import io
import json
import zipfile

from fastapi.testclient import TestClient

ORDER = {"prompt": "a lake", "n": 2, "size": "128x128", "async": True}
KEY = {"Idempotency-Key": "8e03978e-40d5-43e8-bc93-6894a57f9324"}


def events(client: TestClient, job: str, **headers: str) -> list[tuple[int, dict[str, object]]]:
    """Id and data of every event of a job, until it has ended."""
    response = client.get(f"/v1/jobs/{job}/events", headers=headers)
    assert response.headers["content-type"].startswith("text/event-stream")
    found = [block.split("\n") for block in response.text.split("\n\n") if block.startswith("id: ")]
    assert all(name == "event: job" for _, name, _ in found)
    return [(int(number[4:]), json.loads(data[6:])) for number, _, data in found]


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()
