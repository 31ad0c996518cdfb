# SPDX-License-Identifier: BSD-2-Clause
"""The programs that make an initramfs for a Debian, for tests/boot/full: the
package, the archive in the kit, what is said when something is wrong."""

from small import put, rig


def in_root(root, *command):
    rig.run("mount", "--bind", "/proc", root + "/proc")
    try:
        rig.run("chroot", root, *command)
    finally:
        rig.run("umount", root + "/proc")


class InitramfsTools:
    package = "initramfs-tools"
    archive = "debian.tar"
    bad = ("(initramfs)",)

    @staticmethod
    def make(root, _version):
        put(root + "/etc/initramfs-tools/conf.d/vhd", "MODULES=most\n")
        in_root(root, "update-initramfs", "-u")


class Dracut:
    package = "dracut"
    archive = "debian-dracut.tar"
    bad = ("dracut:/#", "Cannot umount /oldroot")

    @staticmethod
    def make(root, version):
        in_root(root, "dracut", "--force", "--kver", version)


MAKERS = {"initramfs-tools": InitramfsTools, "dracut": Dracut}
