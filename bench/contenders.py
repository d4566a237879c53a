"""The contenders: one row each, with the command line that it is measured with and what it does and doesn't wall off.

docs/bench.md shows the same table to readers.
"""

import contextlib
import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import tempfile


@dataclasses.dataclass(frozen=True)
class Contender:
    name: str
    kind: str  # "bare", "ours", "peer", or "floor": no sandbox but a part of one; not ranked among the peers
    note: str  # what it walls off, in a few words
    argv: tuple = ()
    library: bool = False
    module: bool = False  # a WebAssembly file through the library
    mount_namespace: str = ""
    absent: str = ""  # why it can't be measured here


BWRAP = (
    "--unshare-all --die-with-parent --new-session --ro-bind /usr /usr"
    " --symlink usr/bin /bin --symlink usr/sbin /sbin --symlink usr/lib /lib --symlink usr/lib64 /lib64"
    " --proc /proc --dev /dev --tmpfs /tmp --chdir /tmp"
).split()
UNSHARE = "--user --map-root-user --pid --fork --mount --net --ipc --uts".split()
MEMORY_LIMIT = 512 << 20  # as sandpit's default
PIDS_LIMIT = 64


def which(program):
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/local/sbin")


def oci_config(command):
    """A config.json that crun and runc take: six namespaces, no capabilities, memory and pids limits, /usr read-only."""
    namespaces = ("pid", "network", "ipc", "uts", "mount", "cgroup")
    capabilities = {name: [] for name in ("bounding", "effective", "permitted", "ambient")}
    return {
        "ociVersion": "1.0.2",
        "process": {
            "terminal": False,
            "user": {"uid": 0, "gid": 0},
            "args": list(command),
            "env": ["PATH=/usr/bin:/bin"],
            "cwd": "/tmp",
            "capabilities": capabilities,
            "noNewPrivileges": True,
        },
        "root": {"path": "rootfs", "readonly": True},
        "hostname": "bench",
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=64k"]},
            {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev", "size=64m"]},
            {"destination": "/usr", "type": "bind", "source": "/usr", "options": ["rbind", "ro", "nosuid", "nodev"]},
        ],
        "linux": {
            "resources": {"memory": {"limit": MEMORY_LIMIT}, "pids": {"limit": PIDS_LIMIT}},
            "namespaces": [{"type": name} for name in namespaces],
        },
    }


def make_bundle(directory, command):
    """A root of links into /usr, which the runtime binds: no file is copied."""
    rootfs = directory / "rootfs"
    for name in ("usr", "proc", "dev", "sys", "tmp"):
        (rootfs / name).mkdir(parents=True)
    for name in ("bin", "sbin", "lib", "lib64"):
        (rootfs / name).symlink_to(f"usr/{name}")
    (directory / "config.json").write_text(json.dumps(oci_config(command), indent=1))
    return str(directory)


@contextlib.contextmanager
def namespace_without_unified():
    """The path of a mount namespace in which a hybrid cgroup layout looks like plain v1, for crun, which refuses hybrid.

    Empty when the layout is not hybrid. The namespace lives as long as the process that waits in it.
    """
    unified = pathlib.Path("/sys/fs/cgroup/unified")
    if not unified.is_dir() or os.geteuid() != 0:
        yield ""
        return
    keeper = subprocess.Popen(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", f"umount {unified} && echo ready && read -r end"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        ready = keeper.stdout.readline().strip() == "ready"
        yield f"/proc/{keeper.pid}/ns/mnt" if ready else ""
    finally:
        keeper.stdin.close()
        keeper.wait()


class Field:
    """Everyone who can be measured here, with the directories that some of them need."""

    def __init__(self, build, scratch, namespace):
        self.build = pathlib.Path(build)
        self.scratch = pathlib.Path(scratch)
        self.namespace = namespace

    def _peer(self, program, name, note, make_argv, **more):
        path = which(program)
        if path is None:
            return Contender(name, "peer", note, absent="not installed")
        if more.pop("needs_root", False) and os.geteuid() != 0:
            return Contender(name, "peer", note, absent="needs root here")
        return Contender(name, "peer", note, argv=tuple(make_argv(path)), **more)

    def contenders(self, command):
        bundle = make_bundle(pathlib.Path(tempfile.mkdtemp(prefix="bundle-", dir=self.scratch)), command)
        state = self.scratch
        sandpit = self.build / "sandpit"
        exec_absent = "" if sandpit.exists() else f"no {sandpit}"
        unique = f"bench-{os.getpid()}"
        firejail = ["--quiet", "--noprofile"]
        return [
            Contender("bare", "bare", "posix_spawn, nothing else", argv=tuple(command)),
            Contender("sandpit exec", "ours", "one-shot command line, whole jail, all limits",
                      argv=(str(sandpit), "exec", "--quiet", "--", *command), absent=exec_absent),
            Contender("sandpit library", "ours", "Sandbox::run through the launcher, whole jail, all limits",
                      argv=tuple(command), library=True),
            Contender("unshare", "floor", "six namespaces, host's files, no limits",
                      argv=(which("unshare") or "", *UNSHARE, "--", *command),
                      absent="" if which("unshare") else "not installed"),
            self._peer("bwrap", "bubblewrap", "namespaces and own root; no limits, no seccomp",
                       lambda path: [path, *BWRAP, "--", *command]),
            self._peer("firejail", "firejail", "/usr read-only, own pids; host's network; no limits, no seccomp",
                       lambda path: [path, *firejail, "--", *command]),
            self._peer("crun", "crun run", "OCI; memory and pids limits; no seccomp",
                       lambda path: [path, "--root", f"{state}/crun", "--cgroup-manager=cgroupfs", "run",
                                     "--bundle", bundle, f"{unique}-crun"],
                       mount_namespace=self.namespace, needs_root=True),
            self._peer("runc", "runc run", "OCI; memory and pids limits; no seccomp",
                       lambda path: [path, "--root", f"{state}/runc", "run", "--bundle", bundle, f"{unique}-runc"],
                       needs_root=True),
            self._peer("runsc", "gVisor runsc do", "kernel in user space; host's files behind an overlay",
                       lambda path: [path, "--root", f"{state}/runsc", "--network=none", "do", *command],
                       needs_root=True),
        ]
