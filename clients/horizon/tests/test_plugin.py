"""The plugin in the real Horizon of the distribution: menu, page, and the way to an API that is a real server.

Run by test/src/horizon.test.ts, on the plugin as its wheel has it.
"""

import ast
import datetime
import http.server
import json
import os
import pathlib
import re
import tempfile
import threading
import unittest
from unittest import mock


class Upstream(http.server.BaseHTTPRequestHandler):
    """Stands where the API does, and keeps what it was asked; below /identity it is a Keystone's front door."""

    asked = []

    def do_GET(self):
        if self.path.startswith("/identity"):
            # Horizon looks which version it is whenever it shows a page.
            self.answer("application/json", json.dumps({"version": self.keystone()}).encode())
            return
        length = int(self.headers.get("Content-Length") or 0)
        self.asked.append((self.command, self.path, dict(self.headers.items()), self.rfile.read(length)))
        kind, body, status = "application/json", b'{"workloads": []}', 200
        if self.path.endswith("/content"):
            kind, body = "text/html", PAGE
        if self.path.endswith("/refused"):
            status, body = 401, b'{"unauthorized": {"code": 401, "message": "The token is not valid."}}'
        if self.path.endswith("/moved"):
            status = 302
        self.answer(kind, body, status, missing=7 if self.path.endswith("/broken/content") else 0)

    do_POST = do_PUT = do_DELETE = do_GET

    def answer(self, kind, body, status=200, missing=0):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) + missing))
        self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.send_header("Set-Cookie", "session=theirs")
        self.send_header("X-OpenStack-Request-ID", "req-1")
        self.end_headers()
        self.wfile.write(body)

    def keystone(self):
        return {"id": "v3.14", "status": "stable", "links": [{"rel": "self", "href": KEYSTONE}]}

    def log_message(self, *_):
        pass


UPSTREAM = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
ROOT = "http://127.0.0.1:%d" % UPSTREAM.server_address[1]
KEYSTONE = "%s/identity/v3" % ROOT
os.environ.update(DJANGO_SETTINGS_MODULE="served_settings", KEYSTONE=KEYSTONE)

import django

django.setup()

from django.conf import settings
from django.test import Client
from django.test.utils import setup_test_environment
from django.urls import reverse
from django.utils import timezone
from openstack_auth import user as auth_user
from openstack_auth import utils as auth_utils

from cairn_dashboard import __main__ as command
from cairn_dashboard import page

PROJECT = "1" * 32
TOKEN = "gAAAA-the-token"
PANEL = "/project/cairn_workloads/"
ADMIN_PANEL = "/admin/cairn_backups_admin/"
PAGE = b"<script>alert(document.cookie)</script>"


def catalogue(url, kind="workloads", region="RegionOne"):
    sides = ("public", "internal", "admin")
    endpoints = [{"interface": side, "url": url, "region": region, "region_id": region} for side in sides]
    identity = [dict(each, url=KEYSTONE) for each in endpoints]
    return [
        {"type": kind, "name": "cairn", "endpoints": endpoints},
        {"type": "identity", "name": "keystone", "endpoints": identity},
    ]


def panels_in(shown):
    """Our panels that Horizon's menu leads to, in its order."""
    return re.findall(r'href="(/\w+/cairn_\w+/)"', shown.content.decode())


def root_in(text):
    """The element that the console is put into."""
    return re.search('<div id="cairn-root"[^>]*>', text).group()


class Token:
    """As much of openstack_auth's as Horizon looks at."""

    id = TOKEN
    unscoped_token = TOKEN
    system_scoped = False
    project = {"id": PROJECT, "name": "demo"}
    tenant = project
    domain = {"id": None, "name": None}
    roles = []

    def __init__(self):
        self.expires = timezone.now() + datetime.timedelta(hours=1)


class PluginTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        threading.Thread(target=UPSTREAM.serve_forever, daemon=True).start()

    @classmethod
    def tearDownClass(cls):
        UPSTREAM.shutdown()
        UPSTREAM.server_close()

    def setUp(self):
        Upstream.asked.clear()
        self.browser = Client(enforce_csrf_checks=True)
        self.sign_in(catalogue("%s/v1/%s" % (ROOT, PROJECT)))

    def sign_in(self, services, role="member"):
        user = auth_user.User(
            id="anna",
            token=Token(),
            user="anna",
            project_id=PROJECT,
            project_name="demo",
            service_catalog=services,
            roles=[{"id": "1", "name": role}],
            enabled=True,
            authorized_tenants=[],
            endpoint=KEYSTONE,
            services_region="RegionOne",
        )
        user._is_system_user = False
        patched = mock.patch.object(auth_utils, "get_user", lambda _: user)
        patched.start()
        self.addCleanup(patched.stop)

    def ask(self, path, method="get", panel=PANEL, **more):
        return getattr(self.browser, method)("%sapi/%s" % (panel, path), **more)

    def of_project(self, path, method="get", **more):
        return self.ask("v1/%s/%s" % (PROJECT, path), method, **more)

    def sent(self):
        return Upstream.asked[-1]

    # Who sees it

    def test_the_menu_shows_a_project_its_panel_and_not_that_of_operators(self):
        shown = self.browser.get(PANEL)
        self.assertEqual(shown.status_code, 200)
        self.assertEqual(panels_in(shown), [PANEL])
        self.assertEqual(self.browser.get(ADMIN_PANEL).status_code, 403)

    def test_an_operator_sees_both(self):
        self.sign_in(catalogue(ROOT), role="Admin")
        self.assertEqual(panels_in(self.browser.get(ADMIN_PANEL)), [PANEL, ADMIN_PANEL])

    def test_without_the_service_in_the_catalogue_or_the_region_there_is_nothing(self):
        elsewhere = catalogue(ROOT, region="RegionTwo")
        elsewhere[1]["endpoints"] += catalogue(ROOT)[1]["endpoints"]
        for services in (catalogue(ROOT, "backups"), elsewhere):
            self.sign_in(services, role="admin")
            for panel in (PANEL, ADMIN_PANEL):
                self.assertEqual(self.browser.get(panel).status_code, 403)
                self.assertEqual(self.ask("console/session", panel=panel).status_code, 403)
        self.assertEqual(Upstream.asked, [])

    def test_the_menu_speaks_german(self):
        self.sign_in(catalogue(ROOT), role="admin")
        shown = self.browser.get(PANEL, HTTP_ACCEPT_LANGUAGE="de").content.decode()
        self.assertEqual(set(re.findall("Sicherungen|Sicherungsverwaltung|Backups", shown)),
                         {"Sicherungen", "Sicherungsverwaltung"})

    # The page

    def surroundings(self, **more):
        context = self.browser.get(PANEL, **more).context
        return json.loads(context["surroundings"])

    def test_the_page_tells_the_console_where_it_is_and_no_token(self):
        shown = self.browser.get(PANEL)
        text = shown.content.decode()
        self.assertFalse(TOKEN in text)
        self.assertRegex(root_in(text), "ng-non-bindable")
        self.assertRegex(text, r"<title>\s*Workloads - ")
        self.assertEqual(re.findall(r'breadcrumb-item-truncate active">\s*(\w+)', text), ["Workloads"])
        self.assertEqual(re.findall('<script type="module" src="([^"]+)">', text), ["/static/cairn/%s" % page.ENTRY])
        told = json.loads(shown.context["surroundings"])
        self.assertEqual(told["room"], "project")
        self.assertEqual(told["api"], "/project/cairn_workloads/api/")
        self.assertEqual(told["csrf"]["cookie"], settings.CSRF_COOKIE_NAME)
        self.assertEqual(reverse("horizon:project:cairn_workloads:index"), PANEL)

    def test_language_and_zone_are_horizons(self):
        self.browser.cookies["django_timezone"] = "Asia/Tokyo"
        told = self.surroundings(HTTP_ACCEPT_LANGUAGE="de")
        self.assertEqual((told["language"], told["zone"]), ("de", "Asia/Tokyo"))

    # The way to the API

    def test_a_request_goes_on_with_the_token_and_without_the_cookies(self):
        self.browser.cookies["other"] = "secret"
        answer = self.of_project("workloads?name=a%26b&limit=2")
        self.assertEqual((answer.status_code, answer.json()), (200, {"workloads": []}))
        method, path, headers, _ = self.sent()
        self.assertEqual((method, path), ("GET", "/v1/%s/workloads?name=a%%26b&limit=2" % PROJECT))
        self.assertEqual(headers["X-Auth-Token"], TOKEN)
        self.assertNotIn("Cookie", headers)

    def test_the_answer_brings_the_request_id_and_no_cookie(self):
        answer = self.of_project("workloads")
        self.assertEqual(answer["X-OpenStack-Request-ID"], "req-1")
        self.assertEqual(answer["Cache-Control"], "no-store")
        self.assertEqual(dict(answer.cookies), {})

    def test_only_what_a_person_does_prolongs_the_session(self):
        prolonged = self.of_project("workloads", HTTP_X_CAIRN_TOUCH="1")
        self.assertIn(settings.SESSION_COOKIE_NAME, prolonged.cookies)

    def test_a_change_needs_horizons_token_against_forgery(self):
        body = {"data": '{"workload": {}}', "content_type": "application/json"}
        refused = self.of_project("workloads", "post", **body)
        self.assertEqual((refused.status_code, Upstream.asked), (302, []))
        told = self.surroundings()
        answer = self.of_project("workloads", "post", HTTP_X_CSRFTOKEN=told["csrf"]["token"], **body)
        self.assertEqual(answer.status_code, 200)
        method, _, headers, sent = self.sent()
        self.assertEqual((method, sent, headers["Content-Type"]), ("POST", b'{"workload": {}}', "application/json"))
        deleted = self.of_project("workloads/7", "delete", HTTP_X_CSRFTOKEN=told["csrf"]["token"])
        self.assertEqual((deleted.status_code, self.sent()[0]), (200, "DELETE"))

    def test_the_session_is_asked_beside_the_projects_address(self):
        self.assertEqual(self.ask("console/session").status_code, 200)
        self.assertEqual(self.sent()[1], "/console/session")

    def test_nothing_but_requests_about_the_sessions_project_is_passed_on(self):
        for path in ("metrics", "console/index.html", "v1/%s" % PROJECT, "v1/%s/../x" % PROJECT, "v1/openapi.json"):
            self.assertEqual(self.ask(path).status_code, 404, path)
        other = self.ask("v1/%s/workloads" % ("2" * 32))
        self.assertEqual(other.status_code, 409)
        self.assertIn("demo", other.json()["dashboardFault"]["remedy"])
        self.assertEqual(Upstream.asked, [])

    def test_names_with_strange_letters_stay_what_they_are(self):
        self.of_project("workloads/a%20b%3Fc%C3%A4")
        self.assertEqual(self.sent()[1], "/v1/%s/workloads/a%%20b%%3Fc%%C3%%A4" % PROJECT)

    def test_a_file_is_only_downloaded_and_never_shown_on_horizons_origin(self):
        answer = self.of_project("files/content")
        self.assertEqual(b"".join(answer.streaming_content), PAGE)
        self.assertEqual(answer["Content-Type"], "application/octet-stream")
        self.assertEqual(answer["Content-Disposition"], "attachment")
        self.assertEqual(answer["Content-Security-Policy"], "sandbox")
        self.assertEqual(answer["X-Content-Type-Options"], "nosniff")

    def test_a_file_that_breaks_off_is_told_from_a_whole_one(self):
        whole, broken = self.of_project("files/content"), self.of_project("broken/content")
        self.assertEqual(whole["Content-Length"], str(len(b"".join(whole.streaming_content))))
        self.assertGreater(int(broken["Content-Length"]), len(b"".join(broken.streaming_content)))

    def test_a_redirect_is_not_followed(self):
        answer = self.of_project("moved")
        self.assertEqual(answer.status_code, 302)
        self.assertNotIn("Location", answer)

    def test_a_token_that_only_the_api_refuses_does_not_end_horizons_session(self):
        answer = self.of_project("refused")
        self.assertEqual(answer.status_code, 403)
        self.assertEqual(answer.json()["unauthorized"]["message"], "The token is not valid.")

    def test_an_api_that_is_away_is_told_as_that(self):
        self.sign_in(catalogue("http://127.0.0.1:1/v1/%s" % PROJECT))
        answer = self.of_project("workloads")
        self.assertEqual(answer.status_code, 503)
        self.assertIn("cannot be reached", answer.json()["dashboardFault"]["message"])

    def test_without_a_session_a_script_is_told_so_and_a_person_comes_to_the_login(self):
        nobody = mock.patch.object(auth_utils, "get_user", lambda _: auth_user.models.AnonymousUser())
        with nobody:
            script = self.of_project("workloads", HTTP_X_REQUESTED_WITH="XMLHttpRequest")
            person = self.browser.get(PANEL)
        self.assertEqual(script.status_code, 401)
        self.assertIn("/auth/login/", script["X-Horizon-Location"])
        self.assertEqual(person.status_code, 302)
        self.assertIn("/auth/login/?next=%s" % PANEL, person["Location"])

    # Old Pythons

    def test_the_plugin_keeps_to_what_python_2_and_3_5_read(self):
        """What they run is tried by hand with Django 1.11; this only keeps newer forms out."""
        files = sorted(pathlib.Path(page.__file__).parent.rglob("*.py"))
        self.assertGreater(len(files), 10)
        for file in files:
            text = file.read_bytes().decode("ascii")
            ast.parse(text, file.name, feature_version=(3, 5))
            self.assertEqual(re.findall(r"\b(?:nonlocal|async|super\(\)|yield from)\b", text), [], file.name)

    # Switching it on where no package does

    def test_enable_and_disable_leave_nothing(self):
        with tempfile.TemporaryDirectory() as folder, mock.patch("builtins.print"):
            command.enable(folder)
            self.assertEqual(len(os.listdir(folder)), 4)
            command.disable(folder)
            self.assertEqual(os.listdir(folder), [])
            self.assertEqual(command.main([]), 2)


setup_test_environment()

if __name__ == "__main__":
    unittest.main()
