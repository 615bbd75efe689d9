"""A new vault key on PostgreSQL."""

from tests.unit.service.recovery.test_vault_rotation import *  # noqa: F403

# Here a second home folder does not bring a second database.
del test_a_backup_from_before_restores_with_its_own_key  # noqa: F821
