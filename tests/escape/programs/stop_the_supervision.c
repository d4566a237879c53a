// Stops pid 1 of the jail, its parent, and then sleeps: who keeps the time?
#include "common.h"
int main(void) {
  kill(1, SIGSTOP);
  kill(getppid(), SIGSTOP);
  kill(0, SIGCONT);
  for (;;) sleep(100);
}
