// Starts N (argument 1) threads.
#include <pthread.h>

#include "common.h"
static void* hold(void* unused) {
  sleep(30);
  return 0;
}
int main(int argc, char** argv) {
  int most = atoi(argv[1]), made = 0;
  pthread_t thread;
  while (made < most && pthread_create(&thread, 0, hold, 0) == 0) ++made;
  printf("%d threads\n", made);
  escapes = made >= most;
  verdict();
  fflush(stdout);
  _exit(0);
}
