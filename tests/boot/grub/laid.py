# SPDX-License-Identifier: BSD-2-Clause
"""File systems in which an image lies in many pieces, with holes, and with
space that was reserved and never written."""

import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from rig import MIB, Part, run

# name: the command that makes it, its size in MiB, how it is filled: what Linux
# mounts it as, or mtools, or exfat, which has them in one piece
KINDS = {
    "ext4": (("mkfs.ext4", "-q", "-F"), 96, "ext4"),
    "ext4-1k": (("mkfs.ext4", "-q", "-F", "-b", "1024"), 96, "ext4"),
    "ext2": (("mkfs.ext2", "-q", "-F"), 96, "ext2"),
    "fat-512": (("mkfs.vfat", "-F", "32", "-s", "1"), 96, "mtools"),
    "fat-4k": (("mkfs.vfat", "-F", "16", "-s", "8"), 96, "mtools"),
    "exfat": ((), 48, "exfat"),
    "xfs": (("mkfs.xfs", "-q"), 320, "xfs"),
    # without what GRUB 2.06 does not know
    "btrfs": (("mkfs.btrfs", "-q", "-O", "^no-holes"), 128, "btrfs"),
}
THROUGH = ("btrfs",)  # the others are read past the file system
PIECE = 28 << 10  # in blocks of 1 to 4 KiB, at no boundary of GRUB's cache
# Space that is reserved and was never written: GRUB 2.06 shows what lay there
# before, if it is ext4, and even in the hole behind it.
RESERVES = ("xfs",)


def usable():
    """Those that this kernel can mount, and those that need no kernel."""
    with open("/proc/filesystems", encoding="ascii") as file:
        there = {"mtools", "exfat", *(line.split()[-1] for line in file)}
    return [name for name, kind in KINDS.items() if kind[2] in there]


class Laid(Part):
    """A partition with `images`, files, in its folder images."""

    def __init__(self, name, images):
        self.command, size, self.driver = KINDS[name]
        self.images = images
        super().__init__("linux", size, name)

    def make(self, path):
        if self.driver == "exfat":
            self._fill_exfat(path)
            return
        with open(path, "wb") as file:
            file.truncate(self.size * MIB)
        run(*self.command, path)
        if self.driver == "mtools":
            self._copy(path)
        else:
            self._mount(path)

    def _mount(self, path):
        folder = path + ".mount"
        os.mkdir(folder)
        run("mount", "-t", self.driver, "-o", "loop", path, folder)
        try:
            os.mkdir(folder + "/images")
            with open(folder + "/between", "wb") as between:
                for image in self.images:
                    self._lay(image, folder + "/images/", between)
        finally:
            run("umount", folder)
        os.rmdir(folder)

    def _fill_exfat(self, path):
        folder = path + ".files"
        os.makedirs(folder + "/images")
        for image in self.images:
            shutil.copy(image, folder + "/images")
        Part("linux", self.size, "exfat", folder).make(path)
        shutil.rmtree(folder)

    def _copy(self, path):
        """Every second of many files goes; the images lie where they were."""
        folder = path + ".files"
        os.mkdir(folder)
        for number in range((self.size - 8) * MIB // (2 * PIECE)):
            with open("%s/%d" % (folder, number), "wb") as file:
                file.truncate(2 * PIECE)
        run("mcopy", "-i", path, "-s", folder, "::/fill")
        run("mdel", "-i", path, "::/fill/*[02468]")
        run("mmd", "-i", path, "::/images")
        run("mcopy", "-i", path, *self.images, "::/images")
        shutil.rmtree(folder)

    def _lay(self, image, folder, between):
        """Something of another file comes between two pieces now and then."""
        with open(image, "rb") as source, \
                open(folder + os.path.basename(image), "wb") as target:
            size = os.fstat(source.fileno()).st_size
            for number, at in enumerate(range(0, size, PIECE)):
                data = source.read(PIECE)
                if not any(data):
                    self._leave_out(target, number, at, len(data))
                    continue
                target.seek(at)
                target.write(data)
                if number % 5 < 2:
                    sync(target)
                    between.write(b"between" * 1000)
                    sync(between)
            target.truncate(size)
            sync(target)

    def _leave_out(self, target, number, at, length):
        """A hole, or what the file system takes for one."""
        if self.driver in RESERVES and number % 2:
            target.flush()
            os.posix_fallocate(target.fileno(), at, length)


def sync(file):
    file.flush()
    os.fsync(file.fileno())
