#!/usr/bin/env python3
"""Builds the plugin: a wheel, and a package for Debian where dpkg-deb is there. `./cairn horizon [FOLDER]`.

Both hold the same Python, the built console (apps/console/dist) as static files and the compiled words of the
menu. The same input gives the same bytes.
"""

import argparse
import ast
import base64
import hashlib
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
CONSOLE = HERE.parents[1] / "apps" / "console" / "dist"
NAME = "cairn-dashboard"
PACKAGE = "cairn_dashboard"
SUMMARY = "Cairn's console in Horizon"
# Of every file in what is built: 1980 is the first year that a zip file knows.
EPOCH = (1980, 1, 1, 0, 0, 0)
EPOCH_SECONDS = 315532800
MODULES = "usr/lib/python3/dist-packages"
ENABLED = "openstack_dashboard/local/enabled"

CONTROL = """Package: {name}
Version: {version}
Architecture: all
Section: python
Priority: optional
Maintainer: The Cairn project <cairn@localhost>
Depends: python3, python3-requests, openstack-dashboard
Description: {summary}
 Project > Backups and Admin > Backups-Admin, with the console of the backup
 service as static files. Restart the web server of the dashboard afterwards.
"""
# What Python compiled beside the files is not in the package's list, and would keep its folders.
AFTER = "#!/bin/sh\nset -e\nif [ \"$1\" = configure ] && command -v py3compile >/dev/null; then py3compile -p {name}; fi\n"
# Debian's dashboard makes the folder that plugins put their files into, and owns it not: dpkg takes it away with
# the last of them, and without it no Horizon starts. Static files are collected anew, but none is ever dropped.
# This comes before the dashboard is told of the change.
GONE = """#!/bin/sh
set -e
if [ -d /{modules}/openstack_dashboard/local ]; then mkdir -p /{modules}/{enabled}; fi
case "$1" in remove | purge) rm -rf /var/lib/openstack-dashboard/static/cairn ;; esac
"""
BEFORE = "#!/bin/sh\nset -e\nif command -v py3clean >/dev/null; then py3clean -p {name}; fi\n"


def version():
    """As the package itself says it."""
    return re.search('__version__ = "(.+)"', (HERE / PACKAGE / "__init__.py").read_text()).group(1)


def compiled_words(text):
    """A catalogue of gettext (PO) as its programs read it (MO, the GNU gettext manual, 10.3).

    Knows what our catalogues have: msgctxt, msgid and msgstr, in one or more quoted lines each.
    """
    entries, entry, field = {}, {}, None
    for line in text.splitlines() + ['msgid ""']:
        found = re.match(r'(?:(msgctxt|msgid|msgstr)\s+)?(".*")$', line)
        if found is None:
            continue
        field = found.group(1) or field
        if found.group(1) in ("msgctxt", "msgid") and "msgstr" in entry:
            context = entry["msgctxt"] + "\x04" if "msgctxt" in entry else ""
            entries[context + entry["msgid"]] = entry["msgstr"]
            entry = {}
        entry[field] = entry.get(field, "") + ast.literal_eval(found.group(2))
    pairs = [(key.encode(), value.encode()) for key, value in sorted(entries.items())]
    tables_at, count = 28, len(pairs)
    words_at = tables_at + 16 * count
    tables, words = b"", b""
    for side in (0, 1):
        for pair in pairs:
            tables += struct.pack("<II", len(pair[side]), words_at + len(words))
            words += pair[side] + b"\0"
    head = struct.pack("<7I", 0x950412DE, 0, count, tables_at, tables_at + 8 * count, 0, words_at)
    return head + tables + words


def stage(folder):
    """Puts the package together in a folder, as both packages have it."""
    if not (CONSOLE / "manifest.json").exists():
        sys.exit("build.py: %s has no built console; run node apps/console/src/build.ts first" % CONSOLE)
    unwanted = shutil.ignore_patterns("__pycache__", "*.po", "static")
    shutil.copytree(HERE / PACKAGE, folder / PACKAGE, ignore=unwanted)
    shutil.copytree(CONSOLE, folder / PACKAGE / "static" / "cairn", ignore=shutil.ignore_patterns("index.html"))
    for source in (HERE / PACKAGE).glob("locale/*/LC_MESSAGES/*.po"):
        made = folder / source.relative_to(HERE).with_suffix(".mo")
        made.write_bytes(compiled_words(source.read_text(encoding="utf-8")))


def files_below(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def build_wheel(staged, target):
    """A wheel of pure Python for 2.7 and 3 (the binary distribution format of packaging.python.org)."""
    info = "%s-%s.dist-info" % (PACKAGE, version())
    metadata = "Metadata-Version: 2.1\nName: %s\nVersion: %s\nSummary: %s\nLicense: Apache-2.0\n" % (
        NAME, version(), SUMMARY)
    metadata += "Requires-Python: >=2.7, !=3.0.*, !=3.1.*, !=3.2.*, !=3.3.*, !=3.4.*\nRequires-Dist: requests\n"
    tags = "".join("Tag: %s-none-any\n" % tag for tag in ("py2", "py3"))
    content = {str(path.relative_to(staged)): path.read_bytes() for path in files_below(staged)}
    content[info + "/METADATA"] = metadata.encode()
    content[info + "/WHEEL"] = ("Wheel-Version: 1.0\nGenerator: cairn\nRoot-Is-Purelib: true\n" + tags).encode()
    record = ""
    for name, data in content.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        record += "%s,sha256=%s,%d\n" % (name, digest, len(data))
    content[info + "/RECORD"] = (record + info + "/RECORD,,\n").encode()
    wheel = target / ("%s-%s-py2.py3-none-any.whl" % (PACKAGE, version()))
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            member = zipfile.ZipInfo(name, EPOCH)
            member.external_attr = 0o100644 << 16
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, data)
    return wheel


def build_deb(staged, target):
    """A package for Debian: the modules, and the files by which its Horizon finds the panels."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder) / "root"
        modules = root / MODULES
        shutil.copytree(staged / PACKAGE, modules / PACKAGE)
        (modules / ENABLED).mkdir(parents=True)
        for file in (staged / PACKAGE / "enabled").glob("_9*.py"):
            shutil.copy(file, modules / ENABLED)
        control = root / "DEBIAN"
        control.mkdir()
        (control / "control").write_text(CONTROL.format(name=NAME, version=version(), summary=SUMMARY))
        for name, text in (("postinst", AFTER), ("prerm", BEFORE), ("postrm", GONE)):
            (control / name).write_text(text.format(name=NAME, modules=MODULES, enabled=ENABLED))
        for path in [root, *root.rglob("*")]:
            is_program = path.is_dir() or path.parent == control and path.name != "control"
            path.chmod(0o755 if is_program else 0o644)
        package = target / ("%s_%s_all.deb" % (NAME, version()))
        command = ["dpkg-deb", "--root-owner-group", "--uniform-compression", "-Zxz", "--build", root, package]
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "SOURCE_DATE_EPOCH": str(EPOCH_SECONDS)}
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    return package


def main():
    parser = argparse.ArgumentParser(prog="cairn horizon", description="builds the plugin for Horizon")
    parser.add_argument("folder", nargs="?", default=str(HERE / "dist"), help="where the packages are put")
    target = pathlib.Path(parser.parse_args().folder)
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        staged = pathlib.Path(folder)
        stage(staged)
        print(build_wheel(staged, target))
        if shutil.which("dpkg-deb") is None:
            print("no package for Debian: dpkg-deb is not here", file=sys.stderr)
        else:
            print(build_deb(staged, target))


if __name__ == "__main__":
    main()
