// Makes directories within directories, N (argument 1) deep: a clean-up that recurses would crash.
#include "common.h"
int main(int argc, char** argv) {
  int most = atoi(argv[1]), made = 0;
  while (made < most && mkdir("d", 0755) == 0 && chdir("d") == 0) ++made;
  printf("%d deep: %s\n", made, strerror(errno));
  escapes = made >= most;
  return verdict();
}
