// Leaves a process behind: two forks, a session of its own, every signal ignored, no descriptor
// open. Its last argument is the mark by which it can be found.
#include "common.h"
int main(int argc, char** argv) {
  if (fork() == 0) {
    setsid();
    for (int n = 1; n < 65; ++n) signal(n, SIG_IGN);
    if (fork() != 0) _exit(0);
    for (int fd = 0; fd < 64; ++fd) close(fd);
    chdir("/");
    sleep(60);
    _exit(0);
  }
  wait(0);
  usleep(100000);
  puts("left");
  return 0;
}
