// Watches /usr/bin with inotify: which programs the host and its neighbours start.
#include <sys/inotify.h>

#include "common.h"
int main(void) {
  attempt("inotify", inotify_add_watch(inotify_init1(0), "/usr/bin", IN_OPEN));
  return verdict();
}
