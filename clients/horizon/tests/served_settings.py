"""The distribution's Horizon as its own settings make it, with this plugin, before the Keystone that is named.

Nothing is read of the machine's local settings, which would also write a secret key below /var.
"""

import os
import sys
import types

local = types.ModuleType("local")
local.local_settings = types.ModuleType("local.local_settings")
sys.modules["local"] = local
sys.modules["local.local_settings"] = local.local_settings

import openstack_dashboard.local.enabled

import cairn_dashboard.enabled

# As if the files lay in Horizon's own folder, which is where a package puts them.
openstack_dashboard.local.enabled.__path__.append(os.path.dirname(cairn_dashboard.enabled.__file__))
vars(local.local_settings).update(
    ALLOWED_HOSTS=["*"],
    SECRET_KEY=os.urandom(32).hex(),
    OPENSTACK_KEYSTONE_URL=os.environ["KEYSTONE"],
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
    STATIC_ROOT=os.environ["STATIC_ROOT"],
    COMPRESS_OFFLINE=True,
)

from openstack_dashboard.settings import *  # noqa: E402,F403
