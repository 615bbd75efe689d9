"""Labels that laws ask for: one module a law, and what the gateway writes and draws for those switched on."""

from collections.abc import Mapping

from service.labels import ca_sb942, cn_gb45438, eu_ai_act_50, in_2026
from service.labels.profile import Evidence, Facts, Item, Profile, Status

PROFILES: Mapping[str, Profile] = {
    module.PROFILE.name: module.PROFILE for module in (eu_ai_act_50, ca_sb942, cn_gb45438, in_2026)
}
"""Every law by its name. To add one, write its module and list it here."""

__all__ = ["PROFILES", "Evidence", "Facts", "Item", "Profile", "Status"]
