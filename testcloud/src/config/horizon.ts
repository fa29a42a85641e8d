import { join } from "node:path";
import { LOOPBACK, PORTS, type Settings, urlOf } from "../settings.ts";
import { type ConfigFile, PRIVATE } from "./file.ts";
import { renderIni } from "./ini.ts";
import { uwsgiIni } from "./sections.ts";

const STATIC_FILES = "/var/lib/openstack-dashboard/static";

/**
 * Debian's dashboard with settings of ours: a module that takes all of Debian's and changes a few, so that
 * nothing below /etc is touched.
 */
export function horizonFiles(settings: Settings): ConfigFile[] {
  const folder = join(settings.layout.conf, "horizon");
  return [
    { path: join(folder, "testcloud_settings.py"), text: settingsModule(settings), mode: PRIVATE },
    { path: join(folder, "wsgi.py"), text: WSGI, mode: PRIVATE },
    { path: join(settings.layout.conf, "horizon-uwsgi.ini"), text: uwsgi(folder), mode: PRIVATE },
  ];
}

function uwsgi(folder: string): string {
  return renderIni(
    uwsgiIni(
      { port: PORTS.horizon, application: join(folder, "wsgi.py"), processes: 1, name: "horizon" },
      {
        threads: 6,
        pythonpath: ["/usr/share/openstack-dashboard", folder],
        "static-map": [`/horizon/static=${STATIC_FILES}`, `/static=${STATIC_FILES}`],
      },
    ),
  );
}

const WSGI = `import os

os.environ["DJANGO_SETTINGS_MODULE"] = "testcloud_settings"

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
`;

function settingsModule({ secrets, layout }: Settings): string {
  return `from openstack_dashboard.settings import *

ALLOWED_HOSTS = ["*"]
SECRET_KEY = "${secrets.horizonSecret}"
OPENSTACK_HOST = "${LOOPBACK}"
OPENSTACK_KEYSTONE_URL = "${urlOf("keystone", "/v3")}"
OPENSTACK_API_VERSIONS = {"identity": 3, "image": 2, "volume": 3}
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.memcached.PyMemcacheCache",
        "LOCATION": "${LOOPBACK}:${PORTS.memcached}",
    }
}
COMPRESS_OFFLINE = True
LOGGING_LOG_FOLDER = "${layout.log}"
`;
}
