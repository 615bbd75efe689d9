from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from detectors.synthetic.training.pack import NAMES, UNKNOWN_KIND, Pack, load, sample_weights

MANIFEST = """file,label,kind,generator_or_source_family,group,photoreal
a.png,real,portrait,djangous18,conference,1
b.png,real,photo,shoes-real,shoes,1
c.png,fake,mixed,gpt-image-2,gallery,0
d.png,fake,photo,midjourney-shoes,shoes,1
"""


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    (tmp_path / "manifest.csv").write_text(MANIFEST)
    Image.new("RGB", (6, 4), (250, 5, 5)).save(tmp_path / "a.png")
    return load(tmp_path)


def test_a_manifest(pack: Pack) -> None:
    assert pack.fake.tolist() == [0, 0, 1, 1]
    assert pack.subject[:2].tolist() == ["headshot", "product"]
    assert pack.generator.tolist() == ["", "", "GPT image", "Midjourney"]
    headshot, product = NAMES.index("headshot"), NAMES.index("product")
    assert pack.kind.tolist() == [headshot, product, UNKNOWN_KIND, product]


def test_an_image_is_rgb(pack: Pack) -> None:
    assert pack.picture(0).shape == (4, 6, 3)
    assert pack.picture(0)[0, 0].tolist() == [250, 5, 5]
    with pytest.raises(FileNotFoundError):
        pack.picture(1)


def test_copies_join_their_groups_along_chains(pack: Pack) -> None:
    joined = pack.joined([(0, 1), (2, 1)])
    assert len(set(joined.group.tolist())) == 1
    assert len(set(pack.joined([(0, 2)]).group.tolist())) == 2
    assert len(set(pack.group.tolist())) == 3


def test_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text(MANIFEST.replace("portrait", "dream"))
    with pytest.raises(ValueError, match="'dream'"):
        load(tmp_path)


def test_classes_weigh_the_same_and_groups_by_the_root_of_their_size() -> None:
    fake = np.array([0] * 5 + [1] * 3)
    group = np.array(["a"] * 4 + ["b"] + ["c"] * 3)
    weights = sample_weights(fake, group)
    assert weights[fake == 0].sum() == pytest.approx(weights[fake == 1].sum())
    assert weights.mean() == pytest.approx(1)
    assert weights[:4].sum() == pytest.approx(2 * weights[4])
