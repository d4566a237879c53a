// Makes N (argument 1) thousand watches of epoll, each some 200 bytes of the kernel's.
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "common.h"
int main(int argc, char** argv) {
  long made = 0, most = atol(argv[1]) * 1000;
  int events[200], n = 0;
  while (n < 200 && (events[n] = eventfd(0, 0)) >= 0) ++n;
  while (made < most) {
    int set = epoll_create1(0);
    if (set < 0) break;
    struct epoll_event e = {0};
    for (int i = 0; i < n; ++i)
      if (epoll_ctl(set, EPOLL_CTL_ADD, events[i], &e) == 0) ++made;
  }
  printf("%ld watches\n", made);
  escapes = made >= most;
  return verdict();
}
