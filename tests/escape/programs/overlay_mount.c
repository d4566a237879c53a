// Lays a writable overlay over /usr.
#include "common.h"
int main(void) {
  mkdir("upper", 0755), mkdir("work", 0755), mkdir("merged", 0755);
  mount("none", "work", "tmpfs", 0, 0);  // outside the directory may be on an overlay itself
  mkdir("work/upper", 0755), mkdir("work/work", 0755);
  attempt("overlay", mount("none", "merged", "overlay", 0,
                           "lowerdir=/usr,upperdir=work/upper,workdir=work/work"));
  return verdict();
}
