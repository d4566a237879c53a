# What the standard library lets a program ask of the system; tools/measure_syscalls.py runs it.
import asyncio, ctypes, fcntl, mmap, multiprocessing, os, random, resource, select, shutil, signal, socket, subprocess, tempfile, threading, time


def attempt(call, *arguments, **more):
    try:
        return call(*arguments, **more)
    except (OSError, AttributeError, ValueError):
        return None


os.mkdir("d")
os.makedirs("d/e/f")
with open("d/a", "w+") as file:
    file.write("text" * 1000)
    file.flush()
    file.seek(2)
    file.read(3)
    file.truncate(100)
    fd = file.fileno()
    os.fsync(fd), os.fdatasync(fd), os.pread(fd, 3, 1), os.pwrite(fd, b"x", 1), os.readv(fd, [bytearray(3)]), os.writev(fd, [b"a", b"b"])
    attempt(os.preadv, fd, [bytearray(2)], 0), attempt(os.pwritev, fd, [b"a"], 0)
    attempt(os.posix_fallocate, fd, 0, 4096), attempt(os.posix_fadvise, fd, 0, 10, os.POSIX_FADV_SEQUENTIAL)
    fcntl.flock(fd, fcntl.LOCK_EX), fcntl.lockf(fd, fcntl.LOCK_EX), fcntl.fcntl(fd, fcntl.F_GETFL)
    attempt(os.fchmod, fd, 0o600), attempt(os.fchown, fd, -1, -1), os.fstatvfs(fd), os.fstat(fd), attempt(os.ftruncate, fd, 8192)
    with mmap.mmap(fd, 4096) as view:
        view[0:2] = b"zz"
        view.flush()
        view.madvise(mmap.MADV_DONTNEED)
        attempt(view.resize, 8192)
    attempt(os.getxattr, "d/a", "user.x"), attempt(os.listxattr, "d/a"), attempt(os.setxattr, "d/a", "user.x", b"1"), attempt(os.removexattr, "d/a", "user.x")
    attempt(os.sendfile, fd, fd, 0, 0), attempt(os.copy_file_range, fd, fd, 0), attempt(os.splice, fd, fd, 0)
os.rename("d/a", "d/b"), os.replace("d/b", "d/a"), os.link("d/a", "d/l"), os.symlink("a", "d/s"), os.readlink("d/s")
os.chmod("d/a", 0o644), attempt(os.lchown, "d/s", -1, -1), attempt(os.chown, "d/a", -1, -1), os.utime("d/a"), os.access("d/a", os.R_OK), os.umask(0o22)
os.truncate("d/a", 3), os.statvfs("."), os.stat("d/a"), os.lstat("d/s"), list(os.scandir("d")), attempt(os.mkfifo, "d/p"), attempt(os.mknod, "d/n")
here = os.open(".", os.O_RDONLY)
os.stat("d", dir_fd=here), os.mkdir("g", dir_fd=here), os.rename("g", "h", src_dir_fd=here, dst_dir_fd=here), os.rmdir("h", dir_fd=here)
os.symlink("x", "y", dir_fd=here), os.readlink("y", dir_fd=here), os.unlink("y", dir_fd=here), attempt(os.mkfifo, "q", dir_fd=here), os.link("d/a", "z", src_dir_fd=here, dst_dir_fd=here)
os.chmod("z", 0o600, dir_fd=here), attempt(os.chown, "z", -1, -1, dir_fd=here), os.access("z", os.R_OK, dir_fd=here)
os.fchdir(here), os.chdir("."), os.getcwd(), os.close(here)
shutil.copy("d/a", "d/c"), shutil.copytree("d", "t", ignore=shutil.ignore_patterns("p")), shutil.rmtree("t"), shutil.disk_usage("."), os.remove("d/c"), os.rmdir("d/e/f"), os.removedirs("d/e")
with tempfile.TemporaryDirectory() as directory, tempfile.NamedTemporaryFile(dir=directory), tempfile.TemporaryFile():
    pass
attempt(os.memfd_create, "m"), attempt(os.eventfd, 0), attempt(os.sync)

r, w = os.pipe()
os.set_blocking(r, False), os.dup(r), os.dup2(r, 60 if resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 60 else 19), os.isatty(r), attempt(os.get_terminal_size, r)
select.select([], [w], [], 0), select.poll().poll(1)
with select.epoll() as poller:
    poller.register(w, select.EPOLLOUT), poller.poll(0)

subprocess.run(["/bin/true"], check=True), subprocess.run("exit 0", shell=True, check=True), subprocess.run(["cat"], input=b"x", capture_output=True, check=True)
os.system("true"), os.popen("true").close(), os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)
if (child := os.fork()) == 0:
    attempt(os.setsid), attempt(os.setpgid, 0, 0), attempt(os.nice, 1), os._exit(0)
os.waitid(os.P_PID, child, os.WEXITED)
process = multiprocessing.Process(target=time.sleep, args=(0.01,))
process.start(), process.join()
lock, event = threading.Lock(), threading.Event()
threads = [threading.Thread(target=lambda: (lock.acquire(), time.sleep(0.001), lock.release())) for _ in range(3)]
[t.start() for t in threads], [t.join() for t in threads], event.wait(0.01)


async def echo():
    server = await asyncio.start_unix_server(lambda reader, writer: writer.close(), "socket")
    reader, writer = await asyncio.open_unix_connection("socket")
    await reader.read()
    writer.close()
    server.close()
    await asyncio.sleep(0.001)
    await (await asyncio.create_subprocess_exec("/bin/true")).wait()


asyncio.run(echo())
a, b = socket.socketpair()
a.sendall(b"x"), b.recv(1), a.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 9000), a.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF), a.getsockname(), attempt(a.getpeername)
a.sendmsg([b"y"]), b.recvmsg(1), a.shutdown(socket.SHUT_WR)
for family, kind in ((socket.AF_INET, socket.SOCK_STREAM), (socket.AF_INET6, socket.SOCK_STREAM), (socket.AF_INET, socket.SOCK_DGRAM)):
    if (one := attempt(socket.socket, family, kind)) is not None:
        attempt(one.bind, ("", 0)), attempt(one.listen), attempt(one.connect, ("127.0.0.1", 1)), attempt(one.sendto, b"x", ("127.0.0.1", 9)), one.setblocking(False), attempt(one.recvfrom, 1), attempt(one.accept)
attempt(socket.getaddrinfo, "localhost", 80), attempt(socket.gethostbyname, "nowhere.invalid"), socket.gethostname(), attempt(socket.if_nameindex)

signal.signal(signal.SIGUSR1, lambda *_: None), os.kill(os.getpid(), signal.SIGUSR1), signal.raise_signal(signal.SIGUSR1)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2]), signal.pthread_kill(threading.get_ident(), signal.SIGUSR2), signal.sigpending(), signal.sigtimedwait([signal.SIGUSR2], 0.1), signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)
signal.signal(signal.SIGALRM, lambda *_: None), signal.setitimer(signal.ITIMER_REAL, 0.01), signal.getitimer(signal.ITIMER_REAL), signal.pause(), signal.alarm(0), signal.siginterrupt(signal.SIGUSR1, False)
attempt(os.pidfd_open, os.getpid()), attempt(signal.pidfd_send_signal, -1, 0)
time.sleep(0.001), time.clock_gettime(time.CLOCK_MONOTONIC), time.clock_getres(time.CLOCK_REALTIME), attempt(time.clock_settime, time.CLOCK_REALTIME, 1), os.times(), time.process_time(), time.thread_time()
resource.getrlimit(resource.RLIMIT_CPU), resource.setrlimit(resource.RLIMIT_CORE, (0, 0)), resource.getrusage(resource.RUSAGE_SELF), attempt(resource.prlimit, 0, resource.RLIMIT_CORE)
os.getpid(), os.getppid(), os.getpgid(0), os.getpgrp(), os.getsid(0), os.getuid(), os.geteuid(), os.getgid(), os.getegid(), os.getresuid(), os.getresgid(), os.getgroups(), os.getlogin and attempt(os.getlogin)
attempt(os.setuid, os.getuid()), attempt(os.setgid, os.getgid()), attempt(os.setresuid, -1, -1, -1), attempt(os.setreuid, -1, -1), attempt(os.setgroups, []), attempt(os.getpriority, os.PRIO_PROCESS, 0), attempt(os.setpriority, os.PRIO_PROCESS, 0, 19)
os.sched_yield(), os.sched_getaffinity(0), attempt(os.sched_setaffinity, 0, [0]), os.sched_getscheduler(0), os.sched_getparam(0), os.sched_get_priority_max(os.SCHED_FIFO), os.sched_get_priority_min(os.SCHED_FIFO), attempt(os.sched_rr_get_interval, 0), attempt(os.sched_setscheduler, 0, os.SCHED_BATCH, os.sched_param(0)), attempt(os.sched_setparam, 0, os.sched_param(0))
os.uname(), os.getloadavg and attempt(os.getloadavg), os.sysconf("SC_NPROCESSORS_ONLN"), os.cpu_count(), os.urandom(3), attempt(os.getrandom, 3), random.random(), attempt(os.openpty), attempt(os.ttyname, 0)
attempt(ctypes.CDLL(None).sysinfo, ctypes.create_string_buffer(200))
print("done")
