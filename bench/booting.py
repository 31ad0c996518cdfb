# SPDX-License-Identifier: BSD-2-Clause
"""The cases of "boot": a mixin of bench/run's Bench.

From the loader's first word to the moment at which it hands over to the
kernel, which is the same for all: a kernel and an initramfs are read, from an
image or from the same disk raw. Under QEMU, whose processor is slow in
comparison with its disk, unlike most machines'."""

import glob
import os
import shutil
import sys
import time

from report import MIB, sec

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests")
sys.path[:0] = [os.path.join(TESTS, "boot"), os.path.join(TESTS, "vmm")]
import debian
import guest
import loaders
import rig

GOAL, LIMIT = 1.2, 1.3
FILES = ("vhd.mod on UEFI", "lib/grub/x86_64-efi/vhd.mod"), (
    "vhd.mod on BIOS", "lib/grub/i386-pc/vhd.mod"), (
    "vhdboot.efi", "lib/efi/vhdboot.efi"), ("vhd.efi", "lib/efi/vhd.efi")


class Disk:
    """What debian.py's functions want of a system: no Debian, but a kernel,
    an initramfs of random bytes, and GRUB."""

    host_mib = 220

    def __init__(self, work, build, initrd):
        self.work, self.build = work, build
        self.raw = work + "/root.raw"
        root = work + "/root"
        debian.put(root + "/boot/grub/grub.cfg", debian.GRUB_CFG)
        kernel = guest.fetch_kernel(build + "/guest-kit")
        shutil.copy(glob.glob(kernel + "/boot/vmlinuz-*")[0],
                    root + debian.KERNEL)
        with open(root + debian.INITRD, "wb") as file:
            file.write(os.urandom(initrd))
        debian.make_esp(work + "/esp")
        rig.make_disk(self.raw, rig.Part("linux", 80, "ext4", root,
                                         label=debian.LABEL),
                      rig.Part("esp", 16, "vfat", work + "/esp"))

    def tool(self, *arguments):
        return rig.run(self.build + "/bin/vhdtool", *arguments)

    def convert(self, image, *options):
        self.tool("convert", "--quiet", *options, self.raw, image)

    def host(self, make, image):
        """A disk with a loader and the image; its name is not taken again."""
        folder = self.work + "/host"
        os.makedirs(folder + "/images")
        if image:
            debian.IMAGES[image](self, folder + "/images/" + image)
        made = make(self, folder, image)
        shutil.rmtree(folder)
        disk = self.work + "/%s-%s.disk" % (make.__name__, image or "raw")
        os.rename(made.disk, disk)
        made.disk = disk
        return made


def grub_raw(firmware):
    """The same GRUB, which reads from the second disk."""
    def make_raw(disk, folder, _):
        return loaders.grub(disk, folder, "", firmware, "(hd1,gpt1)", "")
    return make_raw


def grub_loopback(firmware):
    """And from the raw disk in a file, by GRUB's own module: all that GRUB
    does for a file is in this, too."""
    def make_loopback(disk, folder, _):
        shutil.copy(disk.raw, folder + "/images/root.raw")
        return loaders.grub(disk, folder, "", firmware, "(loop0,gpt1)",
                            "loopback loop0 (hd0,gpt3)/images/root.raw")
    return make_loopback


class Booting:
    """Uses Bench's folder, build, size, table, rounds()."""

    booted = None

    def boot_time(self, host, begin, disks=()):
        def measure():
            with host.start(memory=512, disks=disks) as machine:
                machine.expect(begin)
                start = time.monotonic()
                machine.expect("@@ kernel", never=("error: ",))
                return time.monotonic() - start
        return measure

    def boot_disk(self):
        work = self.path("boot")
        if not self.booted:
            shutil.rmtree(work, ignore_errors=True)
            os.mkdir(work)
            self.booted = Disk(work, self.build,
                               (1 if self.size.rounds == 1 else 40) * MIB)
        return self.booted

    def boot_rows(self, what, make, raw, begin, peer=None):
        """peer: how the raw disk is started from a file, if it can be"""
        disk = self.boot_disk()
        images = [name for name in debian.IMAGES if self.size.rounds > 1 or
                  name == "dynamic.vhdx"]
        contestants = {"raw": self.boot_time(*raw(disk)), **{
            image: self.boot_time(disk.host(make, image), begin)
            for image in images}}
        if peer:
            contestants["loopback"] = self.boot_time(disk.host(peer, ""),
                                                     begin)
        found = self.rounds(contestants, patience=rig.PATIENCE)
        for image in images:
            self.table.ratio("%s, %s vs raw" % (what, image), found[image],
                             found["raw"], sec, GOAL, LIMIT)
            if peer:
                self.table.ratio("   %s vs raw by loopback" % image,
                                 found[image], found["loopback"], sec)

    def boot_case(self, what, *arguments):
        """What is missing is told by rig as tests do, by an exit."""
        try:
            self.boot_rows(what, *arguments)
        except SystemExit:
            self.table.note(what, "skipped")

    # -- cases -------------------------------------------------------------

    def boot_size(self):
        for name, path in FILES:
            path = os.path.join(self.build, path)
            self.table.note("size of " + name, "%.1f KiB" % (
                os.path.getsize(path) / 1024) if os.path.exists(path) else
                            "skipped: not built")

    def boot_bios(self):
        self.boot_case(
            "start by GRUB on BIOS", loaders.make_grub_bios,
            lambda disk: (disk.host(grub_raw("bios"), ""), "@@ loader",
                          (disk.raw,)), "@@ loader", grub_loopback("bios"))

    def boot_grub_uefi(self):
        self.boot_case(
            "start by GRUB on UEFI", loaders.make_grub_uefi,
            lambda disk: (disk.host(grub_raw("uefi"), ""), "@@ loader",
                          (disk.raw,)), "@@ loader", grub_loopback("uefi"))

    def boot_uefi(self):
        self.boot_case(
            "start by vhdboot.efi", loaders.make_app,
            lambda disk: (loaders.Host(disk.raw, "uefi", "ext4", 1),
                          "BdsDxe: starting"), "BdsDxe: starting")
