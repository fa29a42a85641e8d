"""The addresses of a panel: its page, and below it the API."""

try:
    from django.urls import re_path
except ImportError:  # Django 1.11
    from django.conf.urls import url as re_path

from cairn_dashboard import page
from cairn_dashboard import proxy


def addresses_of(room):
    """`index` must be found without arguments: Horizon's menu asks for it on each of its pages.

    Each panel has functions of its own, because Horizon writes the permissions that it asks for onto them.
    """

    def show(request):
        return page.show(request, room)

    def pass_on(request, path):
        return proxy.pass_on(request, path)

    return [
        re_path(r"^$", show, name="index"),
        re_path(r"^api/(?P<path>.+)$", pass_on, name="api"),
    ]
