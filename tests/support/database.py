"""The database behind a ledger, for tests that change what nothing in the product may change."""

from sqlalchemy import Engine

from service.ledger.ledger import Ledger


def engine_of(ledger: Ledger) -> Engine:
    return ledger._database.engine
