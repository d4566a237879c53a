// Gives the host a name: the one that it has.
#include "common.h"
int main(void) {
  char name[65] = "";
  gethostname(name, sizeof name - 1);
  attempt("sethostname", sethostname(name, strlen(name)));
  return verdict();
}
