from service import __version__
from service.gateway.pipeline import Gateway
from service.gateway.stages.attribution import attribution
from tests.support.gateway import ORDER


def test_labels_and_manifest_name_the_same_maker(gateway: Gateway) -> None:
    admitted = gateway.release(ORDER).admitted
    assert attribution(admitted, "Ann's Images") == {
        "content_id": admitted.content_id,
        "created_at": admitted.created_at,
        "provider": "Ann's Images",
        "system": "Countermark",
        "system_version": __version__,
        "model": "painter",
        "model_version": "1",
    }
