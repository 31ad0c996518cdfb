# SPDX-License-Identifier: BSD-2-Clause
"""A Debian with systemd, as people have it: made by mmdebstrap, its initramfs
by initramfs-tools or dracut with our hooks. It becomes a disk with a root and an ESP, as
a raw file, and images of that. Needs root."""

import glob
import hashlib
import os

import dirty
import rig
from rig import MIB

PACKAGES = ("linux-image-cloud-amd64", "systemd-sysv", "udev", "kmod",
            "e2fsprogs", "zstd")
ROOT_MIB, ESP_MIB = 1000, 16
LABEL = "vhdroot"
KERNEL, INITRD = "/vmlinuz", "/initrd.img"
WORDS = "console=ttyS0 no_timer_check panic=-1 ro root=LABEL=%s" % LABEL

# What is on the ESP of the image: GRUB, as Debian installs it.
GRUB_MODULES = ("normal", "part_gpt", "fat", "ext2", "search", "search_label",
                "configfile", "linux", "echo", "serial", "terminal", "boot",
                "test", "all_video", "gzio")
GRUB_FIRST = "search --label --set=root %s\n" \
    "set prefix=($root)/boot/grub\nnormal\n" % LABEL
GRUB_CFG = """serial --unit=0 --speed=115200
terminal_output serial
linux %s %s
initrd %s
echo @@ kernel
boot
""" % (KERNEL, WORDS, INITRD)


def put(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def sha(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


# -- the system --------------------------------------------------------------

def fetch(kit, maker):
    """Debian as an archive, once."""
    archive = kit + "/" + maker.archive
    if not os.path.exists(archive):
        rig.need("mmdebstrap")
        os.makedirs(kit, exist_ok=True)
        rig.run("mmdebstrap", "--variant=minbase",
                "--include=" + ",".join((maker.package, *PACKAGES)),
                *("--dpkgopt=path-exclude=/usr/share/%s/*" % name
                  for name in ("doc", "locale", "man")),
                "bookworm", archive + ".new.tar")
        os.rename(archive + ".new.tar", archive)
    return archive


def install(root, build):
    """As the manual says; the image is made of this system afterwards."""
    rig.run(build + "/bin/vhdtool", "boot-install", "--initramfs", "--force",
            "--root", root, "debian.vhdx")


def make_root(archive, build, root, maker):
    os.makedirs(root)
    rig.run("tar", "-xpf", archive, "-C", root, "--exclude=./dev/*")
    install(root, build)
    put(root + "/etc/fstab", "LABEL=%s / ext4 defaults 0 1\n" % LABEL)
    put(root + "/etc/hostname", "vhd\n")
    put(root + "/boot/grub/grub.cfg", GRUB_CFG)
    rig.run("chroot", root, "passwd", "-d", "root")
    maker.make(root, os.listdir(root + "/lib/modules")[0])


def make_esp(folder):
    """GRUB for firmware, that looks for the root and its grub.cfg."""
    rig.need("grub-mkimage")
    os.makedirs(folder + "/EFI/BOOT")
    put(folder + ".cfg", GRUB_FIRST)
    rig.run("grub-mkimage", "-O", "x86_64-efi", "-p", "/boot/grub", "-c",
            folder + ".cfg", "-o", folder + "/EFI/BOOT/BOOTX64.EFI",
            *GRUB_MODULES)


class System:
    """The parts: a kernel with its initramfs, a raw disk, programs."""

    host_mib = 1400  # of the volume with images
    golden = None  # digest of a parent that must not change

    def __init__(self, kit, build, work, maker):
        self.build, self.work, self.bad = build, work, maker.bad
        root = work + "/root"
        make_root(fetch(kit, maker), build, root, maker)
        make_esp(work + "/esp")
        self.kernel = glob.glob(root + "/boot/vmlinuz-*")[0]
        self.initrd = glob.glob(root + "/boot/initrd.img-*")[0]
        self.raw = work + "/root.raw"
        rig.make_disk(self.raw,
                      rig.Part("linux", ROOT_MIB, "ext4", root, label=LABEL),
                      rig.Part("esp", ESP_MIB, "vfat", work + "/esp"))

    def tool(self, *arguments):
        return rig.run(self.build + "/bin/vhdtool", *arguments)

    def convert(self, image, *options):
        self.tool("convert", "--quiet", *options, self.raw, image)


# -- images of it ------------------------------------------------------------
# each makes what it is called, in a folder, and perhaps others that it needs

def make_fixed(system, image):
    system.convert(image, "--type", "fixed")


def make_dynamic(system, image):
    system.convert(image)


def make_child(system, image):
    golden = os.path.join(os.path.dirname(image), "golden.vhdx")
    system.convert(golden)
    system.tool("snapshot", golden, image)


def has_data(file, at):
    file.seek(at)
    return any(file.read(dirty.BLOCK))


def make_dirty(system, image):
    """Some blocks, the first among them, are only in the log."""
    lack = system.work + "/lack.raw"
    rig.run("cp", "--sparse=always", system.raw, lack)
    with open(lack, "r+b") as file:
        size = os.path.getsize(lack)
        there = [at for at in range(0, size - dirty.BLOCK, dirty.BLOCK)
                 if has_data(file, at)]
        blocks = there[:4] + there[4::20]
        for at in blocks:
            file.seek(at)
            file.write(bytes(dirty.BLOCK))
    system.tool("convert", "--quiet", lack, image)
    os.unlink(lack)
    dirty.make(system.build + "/bin/vhdtool", image, system.raw, blocks,
               system.work)


IMAGES = {"fixed.vhd": make_fixed, "dynamic.vhd": make_dynamic,
          "dynamic.vhdx": make_dynamic, "child.vhdx": make_child,
          "dirty.vhdx": make_dirty}
assert ROOT_MIB * MIB % dirty.BLOCK == 0
