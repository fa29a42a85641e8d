"""What Horizon's menu shows, in the words of locale/."""

from django.utils.translation import pgettext_lazy

# Horizon has translations of its own for some of these words, which would go before ours without a context.
_CONTEXT = "Cairn"

BACKUPS = pgettext_lazy(_CONTEXT, "Backups")
WORKLOADS = pgettext_lazy(_CONTEXT, "Workloads")
BACKUPS_ADMIN = pgettext_lazy(_CONTEXT, "Backups-Admin")
