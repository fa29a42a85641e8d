"""The panel of the cloud's operators."""

import horizon

from cairn_dashboard import access
from cairn_dashboard import texts


class BackupsAdmin(horizon.Panel):
    name = texts.BACKUPS_ADMIN
    slug = "cairn_backups_admin"
    permissions = access.admin_permissions()
