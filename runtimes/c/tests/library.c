/* What POSIX functions of the C library ask of the system that other languages' libraries don't;
 * tools/measure_syscalls.py runs it. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

static void* nap(void* unused) {
  usleep(100);
  return unused;
}

int main(void) {
  int id = shmget(IPC_PRIVATE, 4096, 0600 | IPC_CREAT);
  void* at = shmat(id, NULL, 0);
  shmdt(at);
  shmctl(id, IPC_RMID, NULL);
  id = semget(IPC_PRIVATE, 1, 0600 | IPC_CREAT);
  struct sembuf up = {0, 1, 0};
  struct timespec soon = {0, 1000};
  semop(id, &up, 1);
  semtimedop(id, &up, 1, &soon);
  semctl(id, 0, IPC_RMID);
  id = msgget(IPC_PRIVATE, 0600 | IPC_CREAT);
  struct {
    long type;
    char text[8];
  } message = {1, "x"};
  msgsnd(id, &message, 8, 0);
  msgrcv(id, &message, 8, 0, 0);
  msgctl(id, IPC_RMID, NULL);
  struct mq_attr attributes = {.mq_maxmsg = 2, .mq_msgsize = 8};
  mqd_t queue = mq_open("/q", O_CREAT | O_RDWR, 0600, &attributes);
  mq_send(queue, "x", 1, 0);
  mq_receive(queue, message.text, 8, NULL);
  mq_getattr(queue, &attributes);
  mq_notify(queue, NULL);
  mq_close(queue);
  mq_unlink("/q");
  sem_t* named = sem_open("/s", O_CREAT, 0600, 1);
  if (named != SEM_FAILED) sem_wait(named), sem_close(named), sem_unlink("/s");
  int memory = shm_open("/m", O_CREAT | O_RDWR, 0600);
  ftruncate(memory, 8192);
  char* view = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
  msync(view, 4096, MS_SYNC), madvise(view, 4096, MADV_DONTNEED), mlock(view, 4096),
      munlock(view, 4096), mprotect(view, 4096, PROT_READ);
  unsigned char resident;
  mincore(view, 4096, &resident);
  view = mremap(view, 4096, 8192, MREMAP_MAYMOVE);
  mlockall(MCL_CURRENT), munlockall();
  posix_fallocate(memory, 0, 4096), posix_fadvise(memory, 0, 10, POSIX_FADV_RANDOM),
      readahead(memory, 0, 10), sync_file_range(memory, 0, 10, 0), fdatasync(memory),
      lockf(memory, F_LOCK, 1);
  struct iovec part = {message.text, 4};
  preadv(memory, &part, 1, 0), pwritev(memory, &part, 1, 0), preadv2(memory, &part, 1, 0, 0),
      pwritev2(memory, &part, 1, 0, 0), pread(memory, message.text, 1, 0),
      pwrite(memory, "x", 1, 0);
  shm_unlink("/m");
  timer_t timer;
  struct sigevent none = {.sigev_notify = SIGEV_NONE};
  struct itimerspec interval = {{0, 0}, {1, 0}};
  timer_create(CLOCK_MONOTONIC, &none, &timer), timer_settime(timer, 0, &interval, NULL),
      timer_gettime(timer, &interval), timer_getoverrun(timer), timer_delete(timer);
  int fd = timerfd_create(CLOCK_MONOTONIC, 0);
  timerfd_settime(fd, 0, &interval, NULL), timerfd_gettime(fd, &interval);
  sigset_t set;
  sigemptyset(&set), sigaddset(&set, SIGUSR1), pthread_sigmask(SIG_BLOCK, &set, NULL);
  fd = signalfd(-1, &set, 0);
  eventfd(0, 0);
  union sigval value = {0};
  sigqueue(getpid(), SIGUSR1, value), sigpending(&set), sigtimedwait(&set, NULL, &soon),
      pthread_kill(pthread_self(), 0), pthread_sigqueue(pthread_self(), SIGUSR1, value);
  stack_t stack;
  sigaltstack(NULL, &stack);
  pthread_t thread;
  pthread_create(&thread, NULL, nap, NULL), pthread_setname_np(thread, "nap"),
      pthread_join(thread, NULL);
  cpu_set_t processors;
  sched_getaffinity(0, sizeof processors, &processors),
      sched_setaffinity(0, sizeof processors, &processors), sched_yield(), sched_getcpu();
  struct sched_param parameters = {0};
  sched_getparam(0, &parameters), sched_setparam(0, &parameters), sched_getscheduler(0),
      sched_setscheduler(0, SCHED_BATCH, &parameters), sched_get_priority_max(SCHED_FIFO),
      sched_get_priority_min(SCHED_FIFO), sched_rr_get_interval(0, &soon);
  fd = open("f", O_CREAT | O_RDWR, 0600);
  struct utimbuf times = {1, 1};
  struct timeval both[2] = {{1, 0}, {1, 0}};
  utime("f", &times), utimes("f", both), futimes(fd, both), futimesat(AT_FDCWD, "f", both),
      lutimes("f", both);
  creat("g", 0600), chmod("f", 0600), mknod("n", S_IFIFO | 0600, 0),
      renameat2(AT_FDCWD, "f", AT_FDCWD, "h", 0), dup3(fd, 9, O_CLOEXEC), fallocate(fd, 0, 0, 10),
      getdtablesize();
  int ends[2];
  pipe(ends), write(ends[1], "xy", 2), tee(ends[0], ends[1], 1, SPLICE_F_NONBLOCK);
  socketpair(AF_UNIX, SOCK_DGRAM, 0, ends);
  struct mmsghdr several = {.msg_hdr = {.msg_iov = &part, .msg_iovlen = 1}};
  sendmmsg(ends[0], &several, 1, 0), recvmmsg(ends[1], &several, 1, MSG_DONTWAIT, NULL);
  int poller = epoll_create(1);
  struct epoll_event event;
  epoll_wait(poller, &event, 1, 0), epoll_pwait2(poller, &event, 1, &soon, NULL);
  if (vfork() == 0) _exit(0);
  siginfo_t information;
  waitid(P_ALL, 0, &information, WEXITED);
  getitimer(ITIMER_REAL, &(struct itimerval){0}), clock_nanosleep(CLOCK_MONOTONIC, 0, &soon, NULL),
      getloadavg((double[1]){0}, 1), getpagesize(), gethostid();
  execl("/bin/echo", "echo", "done", (char*)NULL);
  return 1;
}
