"""The page that the console stands in."""

import io
import json
import os

from django.conf import settings
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.templatetags.static import static
from django.utils.translation import get_language

from cairn_dashboard import texts

_FILES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "static", "cairn")


def _read_entry():
    """The name of the console's first script, which changes with its content."""
    with io.open(os.path.join(_FILES, "manifest.json"), encoding="utf-8") as manifest:
        return json.load(manifest)["index.html"]["file"]


ENTRY = _read_entry()
TITLES = {"project": texts.WORKLOADS, "admin": texts.BACKUPS_ADMIN}


def surroundings_of(request, room):
    """All that the console is told of Horizon. No token is among it: the proxy has that."""
    return {
        "room": room,
        "api": "%sapi/" % request.path,
        "login": settings.LOGIN_URL,
        "csrf": {"cookie": settings.CSRF_COOKIE_NAME, "token": get_token(request)},
        "language": get_language() or "en",
        "zone": request.COOKIES.get("django_timezone"),
    }


def show(request, room):
    """The page; Horizon has looked at the session and the permissions before."""
    context = {
        "page_title": TITLES[room],
        "surroundings": json.dumps(surroundings_of(request, room)),
        "script": static("cairn/%s" % ENTRY),
    }
    return render(request, "cairn/console.html", context)
