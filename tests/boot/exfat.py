# SPDX-License-Identifier: BSD-2-Clause
"""Files in a fresh exFAT volume, where the kernel cannot write one: after
Microsoft's "exFAT file system specification". fsck.exfat finds no fault in
what comes out."""

import os
import struct

ENTRY = 32
DIRECTORY = 0x10
ARCHIVE = 0x20
ALLOCATED, NO_FAT_CHAIN = 1, 2
END = 0xFFFFFFFF


def checksum16(data, skip=()):
    total = 0
    for i, byte in enumerate(data):
        if i not in skip:
            total = ((total << 15 | total >> 1) + byte) & 0xFFFF
    return total


def entry_set(name, attributes, flags, cluster, size, valid):
    units = name.encode("utf-16-le")
    pieces = [units[i:i + 30].ljust(30, b"\0")
              for i in range(0, len(units), 30)]
    stream = struct.pack("<BBBBHHQIIQ", 0xC0, flags, 0, len(units) // 2,
                         checksum16(name.upper().encode("utf-16-le")), 0,
                         valid, 0, cluster, size)
    file = struct.pack("<BBHH", 0x85, 1 + len(pieces), 0, attributes) + \
        bytes([0, 0] + [0, 0, 0x21, 0x58] * 3).ljust(26, b"\0")
    body = bytearray(file + stream +
                     b"".join(b"\xC1\0" + piece for piece in pieces))
    struct.pack_into("<H", body, 2, checksum16(body, (2, 3)))
    return bytes(body)


class Volume:
    """One that mkfs.exfat has just made."""

    def __init__(self, path):
        self.file = open(path, "r+b")
        boot = self.file.read(512)
        fat, _, heap, self.clusters, self.root = struct.unpack_from(
            "<5I", boot, 80)
        self.sector = 1 << boot[108]
        self.size = self.sector << boot[109]
        self.fat, self.heap = fat * self.sector, heap * self.sector
        self.folders = {"": self.root}
        self.used = {self.root: self._length(self.root)}
        self._find_bitmap()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self._put(self._place(self.bitmap_cluster), bytes(self.bitmap))
        self.file.close()

    def _get(self, at, length):
        self.file.seek(at)
        return self.file.read(length)

    def _put(self, at, data):
        self.file.seek(at)
        self.file.write(data)

    def _place(self, cluster):
        return self.heap + (cluster - 2) * self.size

    def _length(self, cluster):
        """Of the entries in a directory of one cluster."""
        data = self._get(self._place(cluster), self.size)
        return next((i for i in range(0, self.size, ENTRY) if not data[i]),
                    self.size)

    def _find_bitmap(self):
        data = self._get(self._place(self.root), self.size)
        for i in range(0, self.size, ENTRY):
            if data[i] == 0x81:
                self.bitmap_cluster, length = struct.unpack_from(
                    "<IQ", data, i + 20)
                self.bitmap = bytearray(
                    self._get(self._place(self.bitmap_cluster), length))
                return
        raise AssertionError("no allocation bitmap")

    def _is_free(self, cluster):
        return not self.bitmap[(cluster - 2) // 8] >> (cluster - 2) % 8 & 1

    def _allocate(self, count, stride):
        """With a stride of 1, in one run."""
        got = ()
        for first in range(2, self.clusters + 2 - count * stride):
            got = range(first, first + count * stride, stride)
            if all(map(self._is_free, got)):
                break
        got = list(got)
        assert len(got) == count, "the volume is full"
        for cluster in got:
            self.bitmap[(cluster - 2) // 8] |= 1 << (cluster - 2) % 8
        return got

    def _chain(self, clusters):
        for cluster, following in zip(clusters, clusters[1:] + [END]):
            self._put(self.fat + 4 * cluster, struct.pack("<I", following))

    def _enter(self, folder, data):
        at = self.used[folder]
        assert at + len(data) <= self.size, "the folder is full"
        self._put(self._place(folder) + at, data)
        self.used[folder] = at + len(data)

    def folder(self, path):
        """The cluster of a folder, which is made if it is not there."""
        if path not in self.folders:
            above, _, name = path.rpartition("/")
            parent = self.folder(above)
            cluster = self._allocate(1, 1)[0]
            self._put(self._place(cluster), bytes(self.size))
            self._enter(parent, entry_set(
                name, DIRECTORY, ALLOCATED | NO_FAT_CHAIN, cluster,
                self.size, self.size))
            self.folders[path] = cluster
            self.used[cluster] = 0
        return self.folders[path]

    def add(self, path, data, chained=False, stride=1, valid=None):
        """`stride` 2 leaves every other cluster free: as many pieces as there
        are clusters; chained then. Bytes behind `valid` were never written."""
        above, _, name = path.rpartition("/")
        folder = self.folder(above)
        count = -(-len(data) // self.size)
        clusters = self._allocate(count, stride)
        valid = len(data) if valid is None else valid
        flags = ALLOCATED if clusters else 0
        if chained or stride > 1:
            self._chain(clusters)
        elif clusters:
            flags |= NO_FAT_CHAIN
        for i, cluster in enumerate(clusters):
            self._put(self._place(cluster),
                      data[i * self.size:(i + 1) * self.size])
        self._enter(folder, entry_set(name, ARCHIVE, flags,
                                      clusters[0] if clusters else 0,
                                      len(data), valid))

    def set_serial(self, serial):
        """In both copies of the boot region, whose sums are made anew."""
        for first in 0, 12:
            at = first * self.sector
            self._put(at + 100, struct.pack("<I", serial))
            total = 0
            for i, byte in enumerate(self._get(at, 11 * self.sector)):
                if i not in (106, 107, 112):
                    total = ((total << 31 | total >> 1) + byte) & 0xFFFFFFFF
            self._put(at + 11 * self.sector,
                      struct.pack("<I", total) * (self.sector // 4))

    def add_tree(self, source):
        for folder, _, names in sorted(os.walk(source)):
            inside = os.path.relpath(folder, source).replace(".", "", 1) \
                if folder == source else os.path.relpath(folder, source)
            for name in sorted(names):
                with open(os.path.join(folder, name), "rb") as file:
                    self.add((inside + "/" + name).lstrip("/"), file.read())
