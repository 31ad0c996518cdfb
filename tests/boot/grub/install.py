# SPDX-License-Identifier: BSD-2-Clause
"""GRUB on a disk, without root: what grub-install does, for a file. Beside
GRUB's modules lies vhd.mod, put there by hand as the manual says."""

import os
import re
import shutil
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from rig import MIB, Part, make_disk, need, need_files, run

GRUB = "/usr/lib/grub"
PLATFORMS = {"bios": "i386-pc", "uefi": "x86_64-efi"}
DRIVERS = {"bios": ["biosdisk"], "uefi": ["efi_gop"]}
MODULES = ["normal", "part_gpt", "part_msdos", "fat", "ext2", "extcmd", "echo",
           "cat", "cmp", "hashsum", "gcry_sha256", "testspeed", "serial",
           "terminfo", "terminal", "minicmd", "ls", "test", "loadenv",
           "linux", "search", "search_fs_uuid", "probe", "configfile",
           "loopback", "exfat", "xfs", "btrfs"]
SECTOR = 512
# where boot.img and diskboot.img have the number of the sector that follows
BOOT_NEXT = 0x5C
CORE_NEXT = SECTOR - 12


def need_grub(firmware):
    need("grub-mkimage")
    need_files(os.path.join(GRUB, PLATFORMS[firmware], "modinfo.sh"))


def package_version(platform):
    with open(os.path.join(GRUB, platform, "modinfo.sh"),
              encoding="utf-8") as file:
        return re.search('^grub_package_version="(.*)"', file.read(),
                         re.M).group(1)


def system_root(folder, firmware):
    """What is on the FAT of an Installation."""
    return os.path.join(folder, firmware + ".root")


def prefix_folder(root, firmware, vhd_mod):
    """/boot/grub: of GRUB's files what its checks need, and our module, unless
    that is put there by others."""
    platform = PLATFORMS[firmware]
    folder = os.path.join(root, "boot", "grub", platform)
    os.makedirs(folder, exist_ok=True)
    shutil.copy(os.path.join(GRUB, platform, "modinfo.sh"), folder)
    if vhd_mod:
        shutil.copy(vhd_mod, folder)
    return folder


def core_image(firmware, path, prefix):
    platform = PLATFORMS[firmware]
    run("grub-mkimage", "-O", platform, "-o", path, "-p", prefix, "-d",
        os.path.join(GRUB, platform),
        *DRIVERS[firmware], *MODULES)


def put_bios_core(disk, core, offset):
    """boot.img to the first sector, the core to the partition at `offset`;
    each says where what follows lies."""
    with open(os.path.join(GRUB, "i386-pc", "boot.img"), "rb") as file:
        boot = bytearray(file.read())
    with open(core, "rb") as file:
        image = bytearray(file.read())
    struct.pack_into("<Q", boot, BOOT_NEXT, offset // SECTOR)
    struct.pack_into("<Q", image, CORE_NEXT, offset // SECTOR + 1)
    assert len(image) <= MIB
    with open(disk, "r+b") as file:
        file.write(boot[:440])  # behind it: the table of partitions
        file.seek(offset)
        file.write(image)


class Installation:
    """A disk that starts GRUB: (hd0,gpt2) is FAT, with GRUB's files, and
    (hd0,gpt3) is ext4, with what is in the folder `content`; that is on FAT,
    too, if `both`. The size of each is in MiB. `uuid` is that of the ext4 file
    system, `partuuid` of its partition."""

    def __init__(self, folder, firmware, vhd_mod, content, config, size=160,
                 both=False, uuid=None, partuuid=None):
        need_grub(firmware)
        self.path = os.path.join(folder, firmware + ".disk")
        root = system_root(folder, firmware)
        self.prefix = prefix_folder(root, firmware, vhd_mod)
        with open(os.path.join(root, "boot", "grub", "grub.cfg"), "w",
                  encoding="utf-8") as file:
            file.write(config)
        core = os.path.join(folder, firmware + ".core")
        core_image(firmware, core, "(hd0,gpt2)/boot/grub")
        if firmware == "uefi":
            os.makedirs(os.path.join(root, "EFI", "BOOT"), exist_ok=True)
            shutil.copy(core, os.path.join(root, "EFI", "BOOT", "BOOTX64.EFI"))
        for name in os.listdir(content) if both else ():
            os.symlink(os.path.join(content, name), os.path.join(root, name))
        offsets = make_disk(
            self.path, Part("bios", 1),
            Part("esp", size if both else 40, "vfat", root, fat=32),
            Part("linux", size, "ext4", content, partuuid, fs_uuid=uuid))
        self.offset = offsets[2]
        if firmware == "bios":
            put_bios_core(self.path, core, offsets[0])
