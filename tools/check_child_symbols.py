#!/usr/bin/env python3
"""What runs after clone calls only async-signal-safe functions: reads the undefined symbols of child.cc's object file.

  tools/check_child_symbols.py BUILD_DIR      exit 1 and a line for each symbol that is not on the list
  tools/check_child_symbols.py --self-test    compiles a good and a bad file and checks both verdicts

After clone the child may hold a copy of another thread's locks (malloc, stdio, the dynamic loader), so anything that takes
one can hang for ever. A new name belongs here only if signal-safety(7) names it or glibc's wrapper is a bare system call.
"""

import pathlib
import subprocess
import sys
import tempfile

# signal-safety(7), POSIX.
POSIX = """
_exit _Exit accept access bind chdir chmod chown clock_gettime close connect dup dup2 dup3 execve faccessat fchdir fchmod fchmodat fchown
fchownat fcntl fcntl64 fdatasync fexecve fstat fstat64 fstatat fstatat64 fsync ftruncate ftruncate64 getegid geteuid getgid
getgroups getpeername getpgid getpgrp getpid getppid getsockname getsockopt getuid kill linkat listen lseek lseek64 lstat lstat64
memccpy memchr memcmp memcpy memmove memset mkdir mkdirat mkfifo mkfifoat mknod mknodat open open64 openat openat64 pause pipe
poll ppoll pread pread64 pselect pwrite pwrite64 raise read readlink readlinkat readv recv recvfrom recvmsg rename renameat
rmdir select send sendmsg sendto setgid setpgid setsid setsockopt setuid shutdown sigaction sigaddset sigdelset sigemptyset
sigfillset sigismember signal sigpending sigprocmask pthread_sigmask sigsuspend socket socketpair stat stat64 stpcpy stpncpy
strcat strchr strcmp strcpy strcspn strlen strncat strncmp strncpy strnlen strpbrk strrchr strspn strstr symlink symlinkat
umask uname unlink unlinkat utimensat wait waitpid write writev
"""
# Linux: glibc's wrapper is the bare system call. syscall() itself takes any that has none. setresuid and friends are absent
# on purpose: glibc's versions signal every other thread and wait for them. vfork is here and fork is not: fork runs
# pthread_atfork handlers and takes malloc's locks.
LINUX = """
capget capset close_range epoll_create1 epoll_ctl epoll_wait eventfd fstatfs fstatfs64 getrandom getresgid getresuid getrlimit
getrlimit64 getdents64 ioctl mmap mmap64 mount mprotect munmap open_by_handle_at pipe2 prctl prlimit prlimit64 sched_setaffinity
sendfile sendfile64 setdomainname sethostname setns setrlimit setrlimit64 signalfd statfs statfs64 statx syscall tgkill timerfd_create
timerfd_settime umount umount2 unshare vfork waitid wait4
"""
# The compiler's own: no lock, no allocation. The _chk forms are _FORTIFY_SOURCE's and end the process when they object.
COMPILER = """
__errno_location _GLOBAL_OFFSET_TABLE_ __tls_get_addr __stack_chk_fail environ __environ
__memcpy_chk __memmove_chk __memset_chk __read_chk __pread_chk __pread64_chk __readlink_chk __strcpy_chk __strncpy_chk
__stpcpy_chk __poll_chk __open_2 __open64_2 __openat_2 __openat64_2 __explicit_bzero_chk explicit_bzero
"""
ALLOWED = set((POSIX + LINUX + COMPILER).split())


def undefined_symbols(object_file):
    listing = subprocess.run(["nm", "-u", "--format=posix", str(object_file)], check=True, capture_output=True, text=True)
    return sorted({line.split()[0].split("@")[0] for line in listing.stdout.splitlines() if line.strip()})


def defined_symbols(object_file):
    listing = subprocess.run(["nm", "--defined-only", "--format=posix", str(object_file)], check=True, capture_output=True, text=True)
    return {line.split()[0] for line in listing.stdout.splitlines() if line.strip()}


def offenders(object_file, others=()):
    """`others`: object files that are checked as well, whose functions may be called."""
    known = ALLOWED.union(*(defined_symbols(other) for other in others))
    return [symbol for symbol in undefined_symbols(object_file) if symbol not in known]


def demangled(symbol):
    return subprocess.run(["c++filt", symbol], capture_output=True, text=True).stdout.strip() or symbol


def check(build):
    objects = sorted(build.glob("src/CMakeFiles/sp_engine.dir/**/child*.cc.o"))
    if not objects:
        sys.exit(f"check_child_symbols: no object file of src/engine/jail/child.cc in {build}")
    failed = False
    for object_file in objects:
        bad = offenders(object_file, objects)
        for symbol in bad:
            print(f"{object_file.relative_to(build)}: not async-signal-safe, or not known to be: {demangled(symbol)}")
        failed |= bool(bad)
        if not bad:
            print(f"{object_file.name}: {len(undefined_symbols(object_file))} undefined symbols, all on the list")
    sys.exit(1 if failed else 0)


def self_test():
    cases = [
        ('#include <unistd.h>\nvoid f() { if (::chdir("/") != 0) ::_exit(1); }\n', []),
        ("#include <cstdlib>\nvoid* f() { return std::malloc(3); }\n", ["malloc"]),
        ("#include <cstdio>\nvoid f(int n) { std::printf(\"%d\", n); }\n", ["printf"]),
        ("int* f() { return new int(3); }\n", ["_Znwm"]),
        ("#include <pthread.h>\nvoid f(pthread_mutex_t* m) { pthread_mutex_lock(m); }\n", ["pthread_mutex_lock"]),
        ("#include <unistd.h>\nvoid f() { (void)!setresuid(1, 1, 1); }\n", ["setresuid"]),
    ]
    with tempfile.TemporaryDirectory() as directory:
        for number, (text, wanted) in enumerate(cases):
            source = pathlib.Path(directory) / f"case{number}.cc"
            source.write_text(text)
            target = source.with_suffix(".o")
            subprocess.run(["g++", "-std=c++23", "-O2", "-c", str(source), "-o", str(target)], check=True)
            if offenders(target) != wanted:
                sys.exit(f"check_child_symbols self-test: case {number}: wanted {wanted}, got {offenders(target)}")
        # A call of another checked file is fine, and only of such a one.
        two = {}
        for name, text in (("caller", "void g(); void f() { g(); }\n"), ("called", "void g() {}\n")):
            (pathlib.Path(directory) / f"{name}.cc").write_text(text)
            two[name] = pathlib.Path(directory) / f"{name}.o"
            subprocess.run(["g++", "-c", f"{directory}/{name}.cc", "-o", str(two[name])], check=True)
        if offenders(two["caller"]) != ["_Z1gv"] or offenders(two["caller"], two.values()):
            sys.exit("check_child_symbols self-test: calls between checked files")
    print(f"{len(cases) + 1} cases hold")


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    if len(sys.argv) != 2:
        sys.exit("usage: check_child_symbols.py BUILD_DIR | --self-test")
    check(pathlib.Path(sys.argv[1]).resolve())


if __name__ == "__main__":
    main()
