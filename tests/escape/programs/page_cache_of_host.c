// Asks what the host's page cache holds of a program in /usr (cachestat): what ran here lately.
#include "common.h"
int main(void) {
  unsigned long range[2] = {0, 0}, counts[5];
  attempt("cachestat", syscall(451, open("/bin/true", O_RDONLY), range, counts, 0));
  return verdict();
}
