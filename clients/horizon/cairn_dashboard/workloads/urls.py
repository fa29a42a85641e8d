"""Horizon looks for a panel's addresses here."""

from cairn_dashboard.addresses import addresses_of

urlpatterns = addresses_of("project")
