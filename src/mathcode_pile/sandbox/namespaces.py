"""Namespaces for one lane: no network, no processes of others, and a root folder with nothing but Python.

Each step is tried, and named if it worked. A container or a hardened machine may allow only some steps, or none.
"""

# Lanes do not import pathlib: it would make every fork slower.
# ruff: noqa: PTH102, PTH103, PTH110, PTH112, PTH114, PTH115, PTH118, PTH120, PTH211
import os
import sys
from collections.abc import Callable, Sequence

from mathcode_pile.sandbox import linux

BOX = "/box"  # the snippet's own folder, in the private root
DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
INODES = 1024  # files and folders that a snippet may make
OUR_ID = 1000  # our user's and group's number inside a user namespace
PARTS = linux.CLONE_NEWNS | linux.CLONE_NEWNET | linux.CLONE_NEWIPC | linux.CLONE_NEWUTS


def unshare_all() -> list[str]:
    """Leave the machine's namespaces, through a user namespace where that is possible; return the new ones' names."""
    user, group = os.geteuid(), os.getegid()
    for flags, names in ((PARTS | linux.CLONE_NEWUSER, ["user"]), (PARTS, [])):
        try:
            linux.unshare(flags)
        except OSError:
            continue
        if names:
            _write("/proc/self/setgroups", "deny")
            _write("/proc/self/uid_map", f"{OUR_ID} {user} 1")
            _write("/proc/self/gid_map", f"{OUR_ID} {group} 1")
        return [*names, "network", "ipc"]
    return []


def can_be_done(attempt: Callable[[], object]) -> bool:
    """Try something in a process that then ends; return whether it raised no error."""
    process = os.fork()
    if process == 0:
        try:
            attempt()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitpid(process, 0)[1] == 0


def remove_folder(folder: str) -> None:
    """Remove a folder in which a snippet may have made anything, such as very deep folders or ones it cannot read."""
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
    """Enter a root folder of our own, which contains only the readable paths, read-only, and BOX.

    Raises OSError where the machine does not allow it.
    """
    paths = outermost(readable)
    linux.mount("none", "/", flags=linux.MS_REC | linux.MS_PRIVATE)
    # Any folder can be the base. The old root can be reached below it until it is unmounted at the end.
    linux.mount("tmpfs", "/tmp", "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "size=1m,mode=755")
    os.mkdir("/tmp/old")
    os.mkdir("/tmp/new")
    linux.pivot_root("/tmp", "/tmp/old")
    os.chdir("/")
    linux.mount("tmpfs", "/new", "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "size=1m,mode=755")
    for path in paths:
        _bind(path)
    os.mkdir("/new" + BOX)
    os.mkdir("/new/old")
    linux.make_readonly("/new")
    linux.pivot_root("/new", "/new/old")
    os.chdir("/")
    linux.unmount("/old")
    flags = linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC
    linux.mount("tmpfs", BOX, "tmpfs", flags, f"size={disk_mb}m,nr_inodes={INODES},mode=700")


def outermost(paths: Sequence[str]) -> list[str]:
    """Return the paths that exist, sorted, without those that are below another one."""
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
    linux.mount(source, target, flags=linux.MS_BIND | linux.MS_REC)


def readable_paths(packages: Sequence[str]) -> list[str]:
    """Return the paths that Python needs to read: itself, packages, shared libraries, harmless devices."""
    library = os.path.dirname(os.path.realpath(os.__file__))
    system = ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache", "/usr/share/zoneinfo"]
    return [library, os.path.join(sys.base_prefix, "lib"), *packages, *system, *DEVICES]
