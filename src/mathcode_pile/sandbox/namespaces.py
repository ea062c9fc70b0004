"""Namespaces for one lane: no network, no processes of others, and a root folder that holds Python and no more.

Each step is tried and named where it worked; a container or a hardened machine may allow only some, or none.
"""

# The lanes do without pathlib, for whose weight every fork would pay.
# ruff: noqa: PTH102, PTH103, PTH110, PTH112, PTH114, PTH115, PTH118, PTH120, PTH211
import os
import sys
from collections.abc import Callable, Sequence

from mathcode_pile.sandbox import kernel

BOX = "/box"  # a snippet's own folder, in the private root
DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
INODES = 1024
PARTS = kernel.CLONE_NEWNS | kernel.CLONE_NEWNET | kernel.CLONE_NEWIPC | kernel.CLONE_NEWUTS


def unshare_all() -> list[str]:
    """Leave the machine's namespaces, by way of a user namespace if we may not directly; return their names."""
    user, group = os.geteuid(), os.getegid()
    for flags, names in ((PARTS | kernel.CLONE_NEWUSER, ["user"]), (PARTS, [])):
        try:
            kernel.unshare(flags)
        except OSError:
            continue
        if names:
            _write("/proc/self/setgroups", "deny")
            _write("/proc/self/uid_map", f"1000 {user} 1")
            _write("/proc/self/gid_map", f"1000 {group} 1")
        return [*names, "network", "ipc"]
    return []


def can_be_done(attempt: Callable[[], object]) -> bool:
    """Try something in a process of no further use; return whether it raised no error."""
    process = os.fork()
    if process == 0:
        try:
            attempt()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitpid(process, 0)[1] == 0


def remove_folder(folder: str) -> None:
    """Remove a folder in which a snippet may have made anything: too deep to be walked, without permissions."""
    for command in (["chmod", "-R", "u+rwX", "--", folder], ["rm", "-rf", "--", folder]):
        null = [(os.POSIX_SPAWN_OPEN, 2, "/dev/null", os.O_WRONLY, 0)]
        os.waitpid(os.posix_spawnp(command[0], command, {}, file_actions=null), 0)


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def private_root(readable: Sequence[str], disk_mb: int) -> None:
    """Make a root folder of our own: what is readable, read-only, and BOX.

    Raises OSError where the machine does not allow it.
    """
    paths = outermost(readable)
    kernel.mount("none", "/", flags=kernel.MS_REC | kernel.MS_PRIVATE)
    # Any folder can be the base: the old root stays reachable below it until the end.
    kernel.mount("tmpfs", "/tmp", "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "size=1m,mode=755")
    os.mkdir("/tmp/old")
    os.mkdir("/tmp/new")
    kernel.pivot_root("/tmp", "/tmp/old")
    os.chdir("/")
    kernel.mount("tmpfs", "/new", "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "size=1m,mode=755")
    for path in paths:
        _bind(path)
    os.mkdir("/new" + BOX)
    os.mkdir("/new/old")
    kernel.make_readonly("/new")
    kernel.pivot_root("/new", "/new/old")
    os.chdir("/")
    kernel.unmount("/old")
    flags = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
    kernel.mount("tmpfs", BOX, "tmpfs", flags, f"size={disk_mb}m,nr_inodes={INODES},mode=700")


def outermost(paths: Sequence[str]) -> list[str]:
    """Return existing paths in order, without those that lie below another."""
    kept: list[str] = []
    for path in sorted(set(paths)):
        if os.path.exists(path) and not any(path == k or path.startswith(k + "/") for k in kept):
            kept.append(path)
    return kept


def _bind(path: str) -> None:
    source, target = "/old" + path, "/new" + path
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.islink(source):
        os.symlink(os.readlink(source), target)
        return
    if os.path.isdir(source):
        os.mkdir(target)
    else:
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY))
    kernel.mount(source, target, flags=kernel.MS_BIND | kernel.MS_REC)


def readable_paths(packages: Sequence[str]) -> list[str]:
    """Return what Python needs to read: itself, the folders of packages, shared libraries, harmless devices."""
    library = os.path.dirname(os.path.realpath(os.__file__))
    system = ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache", "/usr/share/zoneinfo"]
    return [library, os.path.join(sys.base_prefix, "lib"), *packages, *system, *DEVICES]
