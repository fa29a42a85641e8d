#!/usr/bin/env python3
"""Extracts a disk from a Cairn repository in a directory.

Written from docs/repository-format.md alone, to prove that the document is enough: section numbers below are
its own. It needs python3-cryptography and python3-zstandard, and is in no hurry.
"""

import argparse
import base64
import binascii
import hashlib
import hmac
import json
import os
import re
import struct
import sys
import unicodedata
import uuid
import zlib

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MIB = 1024 * 1024
GRAIN = 64 * 1024
FANOUT = 256
KNOWN_FEATURES = 0b11


class Damage(Exception):
    """Something on the target is not as the document says."""


class Lost(Damage):
    """A record cannot be had at an address; it may lie elsewhere (7.1)."""


def need(condition, what):
    if not condition:
        raise Damage(what)


class Fields:
    """Reads fields one after the other (1: unsigned, little-endian)."""

    def __init__(self, name, data):
        self.name, self.data, self.at = name, data, 0

    def take(self, count):
        need(0 <= count <= len(self.data) - self.at, f"{self.name} ends at {len(self.data)}")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, count):
        return int.from_bytes(self.take(count), "little")

    def u8(self):
        return self.number(1)

    def u16(self):
        return self.number(2)

    def u32(self):
        return self.number(4)

    def u64(self):
        return self.number(8)

    def uuid(self):
        return str(uuid.UUID(bytes=self.take(16)))

    def magic(self, magic):
        need(self.take(len(magic)) == magic, f"{self.name} does not begin with {magic!r}")

    def version(self):
        found = self.u16()
        need(found == 1, f"{self.name} has version {found}")

    def end(self):
        need(self.at == len(self.data), f"{self.name} has bytes left over")


class Target:
    """Objects in a directory (2)."""

    def __init__(self, root):
        self.root = root

    def get(self, name):
        try:
            with open(os.path.join(self.root, name), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def range(self, name, offset, length):
        try:
            with open(os.path.join(self.root, name), "rb") as file:
                file.seek(offset)
                data = file.read(length)
        except FileNotFoundError:
            raise Lost(f"{name} is missing") from None
        if len(data) != length:
            raise Lost(f"{name} ends before {offset + length}")
        return data

    def list(self, folder):
        path = os.path.join(self.root, folder)
        names = os.listdir(path) if os.path.isdir(path) else []
        return [name for name in names if not name.startswith(".")]


def checked(name, data):
    """An object without its CRC-32, which must be right."""
    need(data is not None, f"{name} is missing")
    need(len(data) >= 4 and zlib.crc32(data[:-4]) == int.from_bytes(data[-4:], "little"), f"{name}: CRC-32")
    return data[:-4]


# --- 3. Cryptography


def derive(key, purpose, subject):
    return HKDF(hashes.SHA256(), 32, b"", purpose.encode("ascii") + subject).derive(key)


def unseal(key, sealed, associated, what):
    need(len(sealed) >= 28, f"{what} is too short")
    try:
        return AESGCM(key).decrypt(sealed[:12], sealed[12:], associated)
    except InvalidTag:
        raise Damage(f"{what} does not open: it was altered, or the key is another one") from None


class Keys:
    """Keys of a repository by their epochs."""

    def __init__(self, chunk_id, structure, data):
        self.chunk_id, self._structure, self._data = chunk_id, structure, data

    def structure(self, epoch):
        need(epoch in self._structure, f"there is no structure key of epoch {epoch}")
        return self._structure[epoch]

    def data(self, epoch):
        need(epoch in self._data, f"there is no data key of epoch {epoch}")
        return self._data[epoch]


# --- 5.2 Key sets


class Secret:
    """What somebody opens a slot with: a key file, a passphrase or an escrow's private key."""

    def __init__(self, kind, value):
        self.kind, self.value = kind, value

    def section_keys(self, slot, repository, header):
        """The keys that a slot wraps, or None if this secret is not the slot's."""
        if slot["kind"] != self.kind:
            return None
        subject = uuid.UUID(repository).bytes + slot["id"]
        associated = header + slot["frame"]
        try:
            if self.kind == 4:
                return hpke_open(self.value, slot["wrapped"], b"cairn escrow " + subject, associated)
            secret = self.value if self.kind == 1 else stretch(self.value, slot["parameters"])
            wrapping = derive(secret, "cairn key slot ", subject)
            return unseal(wrapping, slot["wrapped"], associated, "a slot")
        except Damage:
            return None


def stretch(passphrase, parameters):
    fields = Fields("a passphrase's parameters", parameters)
    salt, log2n, r, p = fields.take(16), fields.u8(), fields.u8(), fields.u8()
    fields.end()
    need(10 <= log2n <= 20 and 1 <= r <= 32 and 1 <= p <= 4, "scrypt's parameters")
    n = 1 << log2n
    need(128 * n * r <= 512 * MIB and n * r * p <= 1 << 24, "scrypt would cost too much")
    text = unicodedata.normalize("NFC", passphrase).encode("utf-8")
    return hashlib.scrypt(text, salt=salt, n=n, r=r, p=p, dklen=32, maxmem=128 * r * (n + p + 2))


def hpke_open(private, sealed, info, associated):
    """RFC 9180, mode base: 0x0020, 0x0001, 0x0002; one message."""
    encapsulated, ciphertext = sealed[:32], sealed[32:]
    public = private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    shared = private.exchange(X25519PublicKey.from_public_bytes(encapsulated))

    def extract(suite, salt, label, material):
        return hmac.digest(salt, b"HPKE-v1" + suite + label + material, "sha256")

    def expand(suite, secret, label, more, length):
        labeled = struct.pack(">H", length) + b"HPKE-v1" + suite + label + more
        return hmac.digest(secret, labeled + b"\x01", "sha256")[:length]

    kem = b"KEM" + struct.pack(">H", 0x0020)
    suite = b"HPKE" + struct.pack(">HHH", 0x0020, 0x0001, 0x0002)
    secret = expand(kem, extract(kem, b"", b"eae_prk", shared), b"shared_secret", encapsulated + public, 32)
    context = b"\x00" + extract(suite, b"", b"psk_id_hash", b"") + extract(suite, b"", b"info_hash", info)
    scheduled = extract(suite, secret, b"secret", b"")
    key = expand(suite, scheduled, b"key", context, 32)
    nonce = expand(suite, scheduled, b"base_nonce", context, 12)
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, associated)
    except InvalidTag:
        raise Damage("an escrow slot does not open") from None


def open_key_set(name, data, repository, secret):
    """Keys of a set, or None if none of its slots opens."""
    fields = Fields(name, checked(name, data))
    fields.magic(b"CAIRNKEY")
    fields.version()
    slots = fields.u16()
    need(1 <= slots <= 32, f"{name} has {slots} slots")
    owner, key_set, sequence, _ = fields.uuid(), fields.uuid(), fields.u32(), fields.u64()
    need(owner == repository, f"{name} belongs to {owner}")
    need(name.endswith(f"/keys/{sequence:08x}-{key_set}"), f"{name} is set {sequence} of {key_set}")
    header = fields.data[:56]
    found = None
    for _ in range(slots):
        slot = read_slot(fields)
        if found is None and slot["rights"] == 2:
            found = secret.section_keys(slot, repository, header)
    structure_bytes, data_bytes = fields.u32(), fields.u32()
    at = fields.at
    structure, sealed = fields.take(structure_bytes), fields.take(data_bytes)
    fields.end()
    if found is None:
        return None
    need(len(found) == 64, f"{name}: section keys")
    opened = unseal(found[:32], structure, fields.data[:at], f"{name}, structure section")
    structure_keys = read_structure_section(name, opened)
    opened = unseal(found[32:], sealed, fields.data[: at + structure_bytes], f"{name}, data section")
    chunk_id, data_keys = read_data_section(name, opened)
    need(structure_keys.keys() == data_keys.keys(), f"{name}: epochs")
    return Keys(chunk_id, structure_keys, data_keys)


def read_slot(fields):
    start = fields.at
    kind, rights, label_bytes, zero = fields.u8(), fields.u8(), fields.u8(), fields.u8()
    parameter_bytes, wrapped_bytes, slot = fields.u16(), fields.u16(), fields.take(16)
    need(zero == 0 and label_bytes <= 64, f"{fields.name}: a slot")
    fields.take(label_bytes)
    parameters = fields.take(parameter_bytes)
    frame = fields.data[start : fields.at]
    wrapped = fields.take(wrapped_bytes)
    return {"kind": kind, "rights": rights, "id": slot, "parameters": parameters, "frame": frame, "wrapped": wrapped}


def read_structure_section(name, data):
    fields = Fields(name, data)
    keys = {}
    for _ in range(fields.u16()):
        epoch, _, key = fields.u16(), fields.u64(), fields.take(32)
        need(epoch < 256 and all(epoch > each for each in keys), f"{name}: key epoch {epoch}")
        keys[epoch] = key
    fields.end()
    return keys


def read_data_section(name, data):
    fields = Fields(name, data)
    chunk_id = fields.take(32)
    keys = {}
    for _ in range(fields.u16()):
        epoch = fields.u16()
        keys[epoch] = fields.take(32)
    for _ in range(fields.u16()):
        fields.take(48)
    fields.end()
    return chunk_id, keys


# --- A repository


class Repository:
    def __init__(self, target, repository, secret):
        self.target, self.id, self.binary_id = target, repository, uuid.UUID(repository).bytes
        self.read_marker()
        self.keys = self.find_keys(secret)
        self.relocations = None

    def read_marker(self):
        """5.1"""
        name = f"{self.id}/repo"
        fields = Fields(name, checked(name, self.target.get(name)))
        fields.magic(b"CAIRNREP")
        fields.version()
        required, _, owner = fields.u64(), fields.u64(), fields.uuid()
        need(required & ~KNOWN_FEATURES == 0, f"{name} requires features {required:#x}")
        need(owner == self.id, f"{name} is that of {owner}")
        need((fields.u32(), fields.u32(), fields.u16()) == (MIB, GRAIN, FANOUT), f"{name}: sizes")
        need((fields.u8(), fields.u8(), fields.u8()) == (1, 1, 1), f"{name}: algorithms")
        fields.end()

    def find_keys(self, secret):
        """5.2: the greatest sequence that opens."""
        names = [name for name in self.target.list(f"{self.id}/keys") if re.match(r"[0-9a-f]{8}-", name)]
        for name in sorted(names, reverse=True):
            full = f"{self.id}/keys/{name}"
            keys = open_key_set(full, self.target.get(full), self.id, secret)
            if keys is not None:
                return keys
        raise Damage(f"none of the {len(names)} key sets of {self.id} opens with what was given")

    def commit(self, workload, snapshot):
        """5.4: both sections."""
        name = f"{self.id}/s/{workload}/{snapshot}"
        fields = Fields(name, checked(name, self.target.get(name)))
        fields.magic(b"CAIRNCMT")
        fields.version()
        epoch, owner, _ = fields.u16(), fields.uuid(), fields.u64()
        need(owner == self.id, f"{name} belongs to {owner}")
        header = fields.data[:36]
        lengths = fields.u32(), fields.u32()
        sections = [fields.take(length) for length in lengths]
        fields.end()
        subject = name.encode("utf-8")
        structure_key = derive(self.keys.structure(epoch), "cairn commit structure ", subject)
        metadata_key = derive(self.keys.data(epoch), "cairn commit metadata ", subject)
        structure = json.loads(unseal(structure_key, sections[0], header, f"{name}, structure"))
        metadata = json.loads(unseal(metadata_key, sections[1], header, f"{name}, metadata"))
        need(structure["formatVersion"] == 1, f"{name}: format version")
        need((structure["workloadId"], structure["snapshotId"]) == (workload, snapshot), f"{name}: ids")
        return structure, metadata

    def snapshots(self):
        for workload in self.target.list(f"{self.id}/s"):
            for snapshot in self.target.list(f"{self.id}/s/{workload}"):
                yield workload, snapshot

    # --- 6.2 Records

    def record(self, kind, ident, pack, offset, stored):
        """A chunk or a page, from its address, or from where a relocation says (7.1)."""
        try:
            return self.open_record(kind, ident, pack, offset, stored)
        except Lost as lost:
            moved = self.relocated(kind, ident)
            if moved is None:
                raise
            try:
                return self.open_record(kind, ident, *moved)
            except Lost as again:
                raise Damage(f"{lost}; relocated: {again}") from None

    def open_record(self, kind, ident, pack, offset, stored):
        folder = "p" if kind == "chunk" else "m"
        name = f"{self.id}/{folder}/{pack[:2]}/{pack}"
        what = f"{kind} at {offset} of {name}"
        data = self.target.range(name, offset, stored)
        if len(data) < 40:
            raise Lost(f"{what} is too short")
        flags, epoch, zero, plain_bytes, payload_bytes = struct.unpack("<BBHII", data[:12])
        if flags & ~3 or zero or not 1 <= plain_bytes <= MIB or payload_bytes + 40 != stored:
            raise Lost(f"{what}: header")
        if (flags & 2 != 0) != (kind == "page") or (not flags & 1 and payload_bytes != plain_bytes):
            raise Lost(f"{what}: flags")
        key = self.keys.data(epoch) if kind == "chunk" else self.keys.structure(epoch)
        purpose = "cairn chunk " if kind == "chunk" else "cairn page "
        try:
            payload = unseal(derive(key, purpose, ident), data[12:], self.binary_id + ident + data[:12], what)
            plain = self.decompress(payload, plain_bytes) if flags & 1 else payload
        except (Damage, zstandard.ZstdError) as cause:
            raise Lost(f"{what}: {cause}") from None
        id_key = self.keys.chunk_id if kind == "chunk" else derive(key, "cairn page id", b"")
        if len(plain) != plain_bytes or hmac.digest(id_key, plain, "sha256") != ident:
            raise Lost(f"{what} is another one")
        return plain

    @staticmethod
    def decompress(payload, plain_bytes):
        return zstandard.ZstdDecompressor().decompress(payload, max_output_size=plain_bytes)

    # --- 5.3, 5.6, 7.1 Relocations

    def relocated(self, kind, ident):
        if self.relocations is None:
            self.relocations = {}
            for name in self.newest_state().get("relocations", []):
                try:
                    self.relocations.update(self.segment(name))
                except Damage as damage:
                    print(f"reader.py: passed over: {damage}", file=sys.stderr)
        return self.relocations.get((kind, ident))

    def newest_state(self):
        names = sorted(self.target.list(f"{self.id}/g"))
        if not names:
            return {}
        epoch = int(names[-1], 16)
        while self.target.get(f"{self.id}/g/{epoch + 1:08x}") is not None:
            epoch += 1
        name = f"{self.id}/g/{epoch:08x}"
        fields = Fields(name, checked(name, self.target.get(name)))
        fields.magic(b"CAIRNSTA")
        fields.version()
        key_epoch, owner = fields.u16(), fields.uuid()
        need(owner == self.id, f"{name} belongs to {owner}")
        key = derive(self.keys.structure(key_epoch), "cairn state ", name.encode("utf-8"))
        state = json.loads(unseal(key, fields.data[28:], fields.data[:28], name))
        need(state["epoch"] == epoch, f"{name} is state {state['epoch']}")
        return state

    def segment(self, within):
        name = f"{self.id}/{within}"
        fields = Fields(name, checked(name, self.target.get(name)))
        fields.magic(b"CAIRNIDX")
        fields.version()
        epoch, owner, segment = fields.u16(), fields.uuid(), fields.take(16)
        need(owner == self.id and within == f"i/{segment.hex()}", f"{name}: header")
        key = derive(self.keys.structure(epoch), "cairn index segment ", segment)
        body = Fields(name, unseal(key, fields.data[44:], fields.data[:44], name))
        number = body.u8()
        need(number in (1, 2), f"{name} is of kind {number}")
        kind = "chunk" if number == 1 else "page"
        packs = [body.take(16).hex() for _ in range(body.u32())]
        found, last = {}, b""
        for _ in range(body.u32()):
            ident = body.take(32)
            pack, offset, stored, _ = body.u32(), body.u32(), body.u32(), body.u32()
            need(ident > last and pack < len(packs), f"{name}: entries")
            found[(kind, ident)] = (packs[pack], offset, stored)
            last = ident
        body.end()
        return found

    # --- 7. The tree of a disk

    def regions(self, root, disk_bytes):
        """Regions that are not zero: (number, pieces), each piece (at, length, chunk address, from in chunk)."""
        fields = Fields("a root", bytes.fromhex(root))
        address = fields.take(32), fields.take(16).hex(), fields.u32(), fields.u32()
        fields.end()
        page = Fields("a root page", self.record("page", *address))
        need(page.u8() == 3, "a root page's kind")
        level, size = page.u8(), page.u64()
        need(size == disk_bytes, f"the root says {size} bytes, the commit {disk_bytes}")
        width = MIB * FANOUT
        expected = 0
        while FANOUT * width < size:
            width, expected = width * FANOUT, expected + 1
        need(level == expected, f"the root's children have level {level}")
        for index, child in self.children(page):
            yield from self.node(level, index, child, size)

    def node(self, level, index, address, size):
        page = Fields(f"page {index} of level {level}", self.record("page", *address))
        if level == 0:
            need(page.u8() == 1, f"{page.name}: kind")
            yield from self.leaf(page, index * FANOUT, size)
            return
        need(page.u8() == 2 and page.u8() == level, f"{page.name}: kind")
        for at, child in self.children(page):
            yield from self.node(level - 1, index * FANOUT + at, child, size)

    def entries(self, page):
        """Numbers of entries that are not zero, with their kinds; the caller reads what follows the kind."""
        count = page.u16()
        need(count <= FANOUT, f"{page.name} has {count} entries")
        packs = [page.take(16).hex() for _ in range(page.u16())]
        at = 0
        while at < count:
            kind = page.u8()
            if kind == 0:
                run = page.u16()
                need(run > 0 and at + run < count, f"{page.name}: zero run")
                at += run
                continue
            yield at, kind, packs
            at += 1
        page.end()

    def address(self, page, packs):
        ident, pack, offset, stored = page.take(32), page.u16(), page.u32(), page.u32()
        need(pack < len(packs), f"{page.name}: pack {pack}")
        return ident, packs[pack], offset, stored

    def children(self, page):
        for at, kind, packs in self.entries(page):
            need(kind == 1, f"{page.name}: entry of kind {kind}")
            yield at, self.address(page, packs)

    def leaf(self, page, first, size):
        for at, kind, packs in self.entries(page):
            region = first + at
            length = min(MIB, size - region * MIB)
            need(length > 0, f"{page.name}: region {region} is beyond the disk")
            if kind == 1:
                yield region, [(0, length, self.address(page, packs), 0, length)]
                continue
            need(kind == 2, f"{page.name}: entry of kind {kind}")
            yield region, list(self.pieces(page, packs, length))

    def pieces(self, page, packs, length):
        end = 0
        count = page.u8()
        need(1 <= count <= 16, f"{page.name}: {count} pieces")
        for _ in range(count):
            grain, grains, within, plain = page.u8(), page.u8(), page.u8(), page.u32()
            address = self.address(page, packs)
            at, take, start = grain * GRAIN, grains * GRAIN, within * GRAIN
            need(grains > 0 and at >= end and grain + grains <= 16 and at < length, f"{page.name}: piece")
            take = min(take, length - at)
            need(start + take <= plain, f"{page.name}: piece outside of its chunk")
            end = at + take
            yield at, take, address, start, plain

    def extract(self, disk, file):
        size = disk["sizeBytes"]
        file.truncate(size)
        for region, pieces in self.regions(disk["root"], size):
            for at, take, address, start, plain in pieces:
                chunk = self.record("chunk", *address)
                need(len(chunk) == plain, f"a chunk of region {region} has {len(chunk)} bytes")
                file.seek(region * MIB + at)
                file.write(chunk[start : start + take])


def read_secret(args):
    if args.key_file:
        with open(args.key_file, "rb") as file:
            content = file.read()
        try:
            return Secret(1, content if len(content) == 32 else base64.b64decode(content.strip(), validate=True))
        except binascii.Error:
            raise Damage(f"{args.key_file} is no key file") from None
    if args.passphrase_file:
        with open(args.passphrase_file, encoding="utf-8") as file:
            return Secret(2, file.readline().rstrip("\r\n"))
    with open(args.escrow_key, "rb") as file:
        private = serialization.load_pem_private_key(file.read(), None)
    need(isinstance(private, X25519PrivateKey), f"{args.escrow_key} is no X25519 key")
    return Secret(4, private)


def main():
    parser = argparse.ArgumentParser(description="Extracts a disk from a Cairn repository.")
    parser.add_argument("command", choices=["list", "extract"])
    parser.add_argument("--target", required=True)
    parser.add_argument("--repository", required=True)
    secrets = parser.add_mutually_exclusive_group(required=True)
    secrets.add_argument("--key-file")
    secrets.add_argument("--passphrase-file")
    secrets.add_argument("--escrow-key")
    parser.add_argument("--snapshot")
    parser.add_argument("--disk")
    parser.add_argument("-o", "--output")
    args = parser.parse_args()
    repository = Repository(Target(args.target), args.repository, read_secret(args))
    if args.command == "list":
        commits = [repository.commit(*names) for names in repository.snapshots()]
        json.dump([{**structure, "metadata": metadata} for structure, metadata in commits], sys.stdout)
        return
    for workload, snapshot in repository.snapshots():
        if snapshot != args.snapshot:
            continue
        structure, _ = repository.commit(workload, snapshot)
        disk = next((each for each in structure["disks"] if each["diskId"] == args.disk), None)
        need(disk is not None, f"snapshot {snapshot} has no disk {args.disk}")
        with open(args.output, "xb") as file:
            repository.extract(disk, file)
        return
    raise Damage(f"there is no snapshot {args.snapshot}")


if __name__ == "__main__":
    try:
        main()
    except Damage as damage:
        sys.exit(f"reader.py: {damage}")
