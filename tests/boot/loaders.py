# SPDX-License-Identifier: BSD-2-Clause
"""Disks with a loader and a folder of images. Each function makes one in the
work folder of a system, and says which volume the images are on. A system has
`work`, `build` and `host_mib`, how large that volume is."""

import os
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE + "/grub"]
from install import PLATFORMS, Installation # pylint: disable=wrong-import-position
import debian # pylint: disable=wrong-import-position
import rig # pylint: disable=wrong-import-position

PARTUUID = "0fb0a2c1-58a5-4b2e-9f0c-61d9b0a1c002"
SYSTEMD_BOOT = "/usr/lib/systemd/boot/efi/systemd-bootx64.efi"
# A GRUB that says when it begins.
GRUB_HOST = """serial --unit=0 --speed=115200
terminal_output serial
echo @@ loader
%s
linux %s%s %s %s
initrd %s%s
echo @@ kernel
boot
"""


class Host:
    """The disk, and the volume of the images on it: its file system, place
    and size, the latter two in MiB."""

    def __init__(self, disk, firmware, fs, at, options=()):
        self.disk, self.firmware, self.fs, self.at = disk, firmware, fs, at
        self.options = options

    def start(self, memory=1024, disks=(), options=()):
        return rig.Machine(self.firmware, self.disk, *disks, memory=memory,
                           options=("-smp", "2", *self.options, *options))


def vhdroot(image):
    return "vhdroot=PARTUUID=%s:/images/%s" % (PARTUUID, image)


def copy(source, *target):
    path = os.path.join(*target)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    shutil.copy(source, path)


def make_direct(system, folder, image):
    """No loader: QEMU itself."""
    disk = system.work + "/direct.disk"
    rig.make_disk(disk, rig.Part("linux", system.host_mib, "ext4", folder, PARTUUID))
    return Host(disk, "bios", "ext4", 1, (
        "-kernel", system.kernel, "-initrd", system.initrd, "-append",
        debian.WORDS + " " + vhdroot(image)))


# -- UEFI --------------------------------------------------------------------

def esp(system, folder):
    rig.need_files(*rig.OVMF)
    disk = system.work + "/uefi.disk"
    rig.make_disk(disk, rig.Part("esp", system.host_mib, "vfat", folder, PARTUUID,
                                 fat=32))
    return Host(disk, "uefi", "vfat", 1)


def make_app(system, folder, image):
    """vhdboot.efi is what the firmware starts."""
    copy(system.build + "/lib/efi/vhdboot.efi", folder, "EFI/BOOT/BOOTX64.EFI")
    debian.put(folder + "/EFI/BOOT/vhdboot.conf",
               "title Debian\nimage /images/%s\n" % image)
    return esp(system, folder)


def make_driver(system, folder, image):
    """systemd-boot loads vhd.efi; its entry starts what is on that disk."""
    rig.need_files(SYSTEMD_BOOT)
    efi = system.build + "/lib/efi/"
    copy(SYSTEMD_BOOT, folder, "EFI/BOOT/BOOTX64.EFI")
    copy(efi + "vhd.efi", folder, "EFI/systemd/drivers/vhdx64.efi")
    copy(efi + "vhdboot.efi", folder, "EFI/vhdboot/vhdboot.efi")
    debian.put(folder + "/EFI/vhdboot/vhdboot.conf",
               "image /images/%s\n" % image)
    debian.put(folder + "/loader/loader.conf",
               "default debian.conf\ntimeout 0\n")
    debian.put(folder + "/loader/entries/debian.conf",
               "title Debian\nefi /EFI/vhdboot/vhdboot.efi\n"
               "options \\images\\%s\n" % image)
    return esp(system, folder)


# -- GRUB --------------------------------------------------------------------

def grub(system, folder, image, firmware, device="(vhd0,gpt1)", attach=None):
    """`attach` is how the device comes to be, if not by vhd.mod."""
    if attach is None:
        attach = "insmod vhd\nvhd vhd0 (hd0,gpt3)/images/" + image
    config = GRUB_HOST % (attach, device, debian.KERNEL, debian.WORDS,
                          vhdroot(image), device, debian.INITRD)
    vhd_mod = os.path.join(system.build, "lib/grub", PLATFORMS[firmware],
                           "vhd.mod")
    rig.need_files(vhd_mod)
    made = Installation(system.work, firmware, vhd_mod, folder, config,
                        size=system.host_mib, partuuid=PARTUUID)
    return Host(made.path, firmware, "ext4", made.offset // rig.MIB)


def make_grub_uefi(system, folder, image):
    return grub(system, folder, image, "uefi")


def make_grub_bios(system, folder, image):
    return grub(system, folder, image, "bios")


LOADERS = {"uefi-app": make_app, "uefi-driver": make_driver,
           "grub-uefi": make_grub_uefi, "grub-bios": make_grub_bios,
           "direct": make_direct}
