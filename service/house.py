"""All parts of one installation, opened from its settings. The only place where parts are chosen."""

import threading
from dataclasses import dataclass, field

from sqlalchemy import URL

from detectors import OpenNsfw
from models import ModelError
from service import home, keys
from service.errors import Unavailable
from service.examiner import Examiner
from service.gateway import Gateway, Rules
from service.generation.diffusers_backend import load_backend
from service.ledger import Ledger
from service.pictures import Limits
from service.settings import Settings
from watermark import Codec
from watermark.credentials import Credentials

LEDGER_FILE = "ledger.db"


@dataclass
class House:
    """An open installation. The gateway, which needs torch, is loaded when it is first asked for."""

    settings: Settings
    ledger: Ledger
    codec: Codec
    credentials: Credentials
    examiner: Examiner
    _gateway: Gateway | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def gateway(self) -> Gateway:
        """The gateway with its pipeline loaded and its checker proven.

        Raises:
            Unavailable: torch is not installed, or a model is missing, altered or not working.
            Misconfigured: the pipeline setting names nothing that can be loaded.
        """
        with self._lock:
            if self._gateway is None:
                self._gateway = self._open_gateway()
            return self._gateway

    @property
    def generates(self) -> bool:
        """The gateway has been loaded."""
        return self._gateway is not None

    def close(self) -> None:
        self.ledger.close()

    def _open_gateway(self) -> Gateway:
        settings = self.settings
        rules = Rules(
            provider=settings.provider,
            safety_threshold=settings.safety_threshold,
            screen_timeout=settings.screen_timeout,
            render_timeout=settings.render_timeout,
        )
        try:
            checkers = [
                OpenNsfw(threads=settings.threads, providers=settings.onnx_providers)
            ]  # before the pipeline: without it nothing may run
            backend = load_backend(settings)
        except ModelError as unusable:
            raise Unavailable(str(unusable)) from unusable
        return Gateway(
            backend,
            checkers,
            self.codec,
            self.credentials,
            self.ledger,
            rules,
            keys.prompt_digester(settings),
        )


def open_house(settings: Settings) -> House:
    """Open the ledger and keys, making them at first start; loads no model.

    Raises:
        Misconfigured, Unavailable: home, keys or database cannot be used.
    """
    folder = home.prepare(settings.home)
    ledger = Ledger.open(settings.database_url or URL.create("sqlite", database=str(folder / LEDGER_FILE)))
    codec, credentials = keys.codec(settings), keys.credentials(settings)
    limits = Limits(settings.max_bytes, settings.max_pixels)
    return House(settings, ledger, codec, credentials, Examiner(codec, credentials, ledger, limits))
