"""Passes the console's requests on to the API, with the token of Horizon's session.

The token never reaches the page. Horizon has looked at session, permissions and CSRF token before. Answers come
from Horizon's own origin, so that nothing but JSON may be shown by a browser: the rest is for downloading only.
"""

import json
import re

from django.conf import settings
from django.http import HttpResponse
from django.http import StreamingHttpResponse
from django.views.decorators.http import require_http_methods
from horizon.exceptions import ServiceCatalogException
from openstack_dashboard.api import base
import requests

try:
    from urllib.parse import quote
except ImportError:  # Python 2
    from urllib import quote

from cairn_dashboard.access import SERVICE_TYPE

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
# Seconds to connect, and to wait for a part of the answer.
TIMEOUT = (5, 60)
PART_BYTES = 256 * 1024
_PASSED_ON = {"HTTP_ACCEPT": "Accept", "CONTENT_TYPE": "Content-Type", "HTTP_IF_NONE_MATCH": "If-None-Match"}
_PASSED_BACK = ("X-OpenStack-Request-ID", "ETag", "Retry-After")
_OF_PROJECT = re.compile(r"^v1/(?P<project>[^/]+)/.+$")
_SESSION = "console/session"
_ENDPOINT_TAIL = re.compile(r"/v1(/[^/]+)?/*$")
_ATTACHMENT = re.compile(r"^attachment\b")


@require_http_methods(METHODS)
def pass_on(request, path):
    """One request to the API and its answer, or the reason why there is none."""
    # Horizon stores the session anew with each request. That would keep a forgotten tab signed in by what it asks
    # from time to time, and could write an old session over the one of a switched project.
    if "HTTP_X_CAIRN_TOUCH" not in request.META:
        request.session.modified = False
    wrong = _refusal_of(request, path)
    if wrong is not None:
        return wrong
    try:
        address = _address(request, path)
    except ServiceCatalogException:
        return _failure(503, "The backup service has no address in this region.",
                        "Choose another region, or ask the administrator to register it here.")
    try:
        answer = requests.request(
            request.method,
            address,
            data=request.body or None,
            headers=_headers_for(request),
            stream=True,
            allow_redirects=False,
            timeout=TIMEOUT,
            verify=_verification(),
        )
    except requests.exceptions.Timeout:
        return _failure(504, "The backup service did not answer in time.", "Try again.")
    except requests.exceptions.RequestException:
        return _failure(503, "The backup service cannot be reached.",
                        "Try again, or ask the administrator of this dashboard.")
    return _reply_of(answer)


def _refusal_of(request, path):
    """Why this is not passed on; None: it is."""
    if path == _SESSION and request.method in ("GET", "HEAD"):
        return None
    found = _OF_PROJECT.match(path)
    if found is None or any(part in (".", "..") for part in path.split("/")):
        return _failure(404, "This is no request about a project.", "Open the page anew.")
    if found.group("project") != request.user.project_id:
        return _failure(409, "Another project has been chosen meanwhile.",
                        "Open the page anew to see the project %s." % request.user.project_name)
    return None


def _address(request, path):
    endpoint = base.url_for(request, SERVICE_TYPE)
    root = _ENDPOINT_TAIL.sub("", endpoint.rstrip("/"))
    query = request.META.get("QUERY_STRING", "")
    # Django has taken the escapes away.
    escaped = quote(path.encode("utf-8"), safe="/~")
    return "%s/%s%s" % (root, escaped, "?" + query if query else "")


def _headers_for(request):
    headers = {name: request.META[key] for key, name in _PASSED_ON.items() if request.META.get(key)}
    headers["X-Auth-Token"] = request.user.token.id
    if not request.body:
        # Some servers of Horizon invent one.
        headers.pop("Content-Type", None)
    return headers


def _verification():
    """Horizon's own settings for the certificates of APIs, as `verify` of requests."""
    if getattr(settings, "OPENSTACK_SSL_NO_VERIFY", False):
        return False
    return getattr(settings, "OPENSTACK_SSL_CACERT", None) or True


def _reply_of(answer):
    # Horizon knows itself when its session has ended. A token that only the API refuses is no reason to sign
    # in again: Horizon would send the browser back, again and again.
    status = 403 if answer.status_code == 401 else answer.status_code
    kind = answer.headers.get("Content-Type", "")
    if kind.split(";")[0].strip().lower() == "application/json" or status in (204, 304):
        reply = HttpResponse(answer.content, status=status, content_type="application/json")
    else:
        reply = _download_of(answer, status)
    for name in _PASSED_BACK:
        if name in answer.headers:
            reply[name] = answer.headers[name]
    reply["Cache-Control"] = "no-store"
    reply["X-Content-Type-Options"] = "nosniff"
    return reply


def _download_of(answer, status):
    """A file out of a backup may be a page with scripts: no browser is to open it here."""
    parts = answer.iter_content(PART_BYTES)
    reply = StreamingHttpResponse(parts, status=status, content_type="application/octet-stream")
    named = answer.headers.get("Content-Disposition", "")
    reply["Content-Disposition"] = named if _ATTACHMENT.match(named) else "attachment"
    reply["Content-Security-Policy"] = "sandbox"
    # Only by its length does a browser know a file that broke off from a whole one.
    if "Content-Length" in answer.headers and "Content-Encoding" not in answer.headers:
        reply["Content-Length"] = answer.headers["Content-Length"]
    return reply


def _failure(status, message, remedy):
    """In the form of the API's own refusals."""
    body = {"dashboardFault": {"code": status, "message": message, "remedy": remedy}}
    reply = HttpResponse(json.dumps(body), status=status, content_type="application/json")
    reply["Cache-Control"] = "no-store"
    return reply
