"""Attaches and detaches a volume of Cinder's on this host through its os-brick.

One request as JSON on standard input, one answer as JSON on standard output: {"ok": ...}, or {"error": {"kind":
..., "message": ...}} with the exit code 0 all the same. An exit without an answer is a crash. It runs with the
Python that has os-brick (Nova's), and takes nothing from arguments or environment:

  {"do": "properties", ...host}                                   what Cinder is told of this host
  {"do": "connect", ...host, "connection": {...}}                 {"path": ..., ...}, as os-brick gives it
  {"do": "disconnect", ...host, "connection": {...}, "device": {...}, "isForced": bool}

`host` is {"name", "ip", "rootHelper", "isMultipath", "lockDir"}. `connection` is the connection_info of an
attachment: `driver_volume_type`, and what os-brick calls `data` flat beside it. May be asked twice: os-brick
finds a connection that stands, and a disconnected volume is disconnected.
"""

import json
import logging
import os
import shlex
import sys


class Refused(Exception):
    """What the request's maker did wrong, or what this host lacks."""

    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind


class Complaints(logging.Handler):
    """What os-brick warned of: its exceptions seldom say why, and its log is nobody's here."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.said = []

    def emit(self, record):
        words = record.getMessage()
        if words not in self.said:
            self.said.append(words)


def prepare(request):
    """Loads os-brick and tells it how to become root and where it shares its locks with Nova."""
    try:
        from os_brick import privileged
        from os_brick.initiator import connector, linuxscsi
        from oslo_concurrency import lockutils
        from oslo_config import cfg
        from oslo_privsep import priv_context
    except ImportError as missing:
        raise Refused("missing", "%s (Debian: python3-os-brick)" % missing) from missing
    cfg.CONF([], project="cairn", default_config_files=[])
    lockutils.set_defaults(request["lockDir"])
    set_up = getattr(sys.modules["os_brick"], "setup", None)
    if set_up is not None:
        # Since 6.0 (Zed): where its own locks are follows from the line before.
        set_up(cfg.CONF)
    if os.geteuid() == 0:
        # No second process is needed to become what we are.
        privileged.default.set_client_mode(False)
    else:
        priv_context.init(root_helper=shlex.split(request["rootHelper"]))
    # Not enforced: where no multipathd runs, one path has to do.
    runs = linuxscsi.LinuxSCSI.is_multipath_running
    request["isMultipath"] = request["isMultipath"] and runs(False, request["rootHelper"])
    return connector


def properties(connector, request):
    return connector.get_connector_properties(
        request["rootHelper"], request["ip"], request["isMultipath"], False, host=request["name"]
    )


def connector_of(connector, request):
    connection = dict(request["connection"])
    kind = connection.pop("driver_volume_type")
    made = connector.InitiatorConnector.factory(
        kind, request["rootHelper"], use_multipath=request["isMultipath"], conn=connection
    )
    return made, connection


def connect(connector, request):
    made, connection = connector_of(connector, request)
    return made.connect_volume(connection)


def disconnect(connector, request):
    made, connection = connector_of(connector, request)
    is_forced = request["isForced"]
    made.disconnect_volume(connection, request["device"], force=is_forced, ignore_errors=is_forced)
    return None


DOINGS = {"properties": properties, "connect": connect, "disconnect": disconnect}


def answer(text):
    complaints = Complaints()
    logging.getLogger().addHandler(complaints)
    try:
        request = json.loads(text)
        os.makedirs(request["lockDir"], exist_ok=True)
        return {"ok": DOINGS[request["do"]](prepare(request), request)}
    except Refused as refused:
        return {"error": {"kind": refused.kind, "message": str(refused)}}
    except Exception as fault:  # Drivers raise what they like; whoever asked decides what it means.
        words = "; ".join([str(fault)] + complaints.said[-3:])
        return {"error": {"kind": type(fault).__name__, "message": " ".join(words.split())[:1000]}}


def encode(value):
    """os-brick gives bytes where udev did."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


if __name__ == "__main__":
    # Whatever os-brick or a library prints must not become part of the answer.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    json.dump(answer(sys.stdin.read()), out, default=encode)
    out.close()
