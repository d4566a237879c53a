// Asks for the processor's I/O ports: the delay port only.
#include <sys/io.h>

#include "common.h"
int main(void) {
  attempt("ioperm", ioperm(0x80, 1, 1));
  return verdict();
}
