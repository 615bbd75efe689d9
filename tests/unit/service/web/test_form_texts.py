from fastapi.testclient import TestClient


def test_texts_that_were_filled_in(painting_client: TestClient) -> None:
    """Files and empty fields are left alone, and the first of a repeated one counts."""
    texts: list[tuple[str | None, bytes]] = [(None, text) for text in (b"", b"a lake", b"a dog")]
    parts = [*(("prompt", text) for text in texts), ("x", ("a.png", b"x"))]
    page = painting_client.post("/generate", files=parts)
    assert page.status_code == 200
    assert 'alt="The generated image: a lake"' in page.text


def test_what_is_no_form(painting_client: TestClient) -> None:
    page = painting_client.post("/generate", content=b"prompt=x")
    assert (page.status_code, "Error code bad_request" in page.text) == (400, True)
