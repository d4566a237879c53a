// Makes N (argument 1) dead children that it never waits for: each keeps its entry.
#include "common.h"
int main(int argc, char** argv) {
  int most = atoi(argv[1]), made = 0;
  for (; made < most; ++made) {
    pid_t child = fork();
    if (child < 0) break;
    if (child == 0) _exit(0);
  }
  printf("%d zombies\n", made);
  escapes = made >= most;
  return verdict();
}
