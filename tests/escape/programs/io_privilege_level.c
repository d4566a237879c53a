// Asks for all I/O ports at once.
#include <sys/io.h>

#include "common.h"
int main(void) {
  attempt("iopl", iopl(3));
  return verdict();
}
