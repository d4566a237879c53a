// Starts processes that start processes, N (argument 1) at most.
#include <sys/mman.h>

#include "common.h"
int main(int argc, char** argv) {
  int most = atoi(argv[1]);
  int* made = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pid_t first = getpid();
  setpgid(0, 0);
  for (int i = 0; i < 100 && __atomic_load_n(made, __ATOMIC_SEQ_CST) < most; ++i) {
    if (__atomic_add_fetch(made, 1, __ATOMIC_SEQ_CST) > most || fork() < 0)
      __atomic_sub_fetch(made, 1, __ATOMIC_SEQ_CST);
    usleep(100);
  }
  if (getpid() != first) {
    sleep(30);
    _exit(0);
  }
  usleep(100000);
  printf("%d processes\n", *made);
  escapes = *made >= most;
  verdict();
  fflush(stdout);
  signal(SIGTERM, SIG_IGN);
  kill(0, SIGTERM);
  return 0;
}
