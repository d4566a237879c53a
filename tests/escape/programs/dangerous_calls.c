// System calls that need no capability or have often been broken. Each may fail as denied or as
// unknown, never work.
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <sys/personality.h>

#include "common.h"
int main(void) {
  char zeros[256] = {0};
  attempt("bpf", syscall(SYS_bpf, BPF_MAP_CREATE,
                         &(union bpf_attr){
                             .map_type = 2, .key_size = 4, .value_size = 4, .max_entries = 1},
                         sizeof(union bpf_attr)));
  struct perf_event_attr event = {
      .type = PERF_TYPE_SOFTWARE, .size = sizeof event, .exclude_kernel = 1};
  attempt("perf_event_open", syscall(SYS_perf_event_open, &event, 0, -1, -1, 0));
  attempt("userfaultfd", syscall(SYS_userfaultfd, 1));
  attempt("io_uring_setup", syscall(SYS_io_uring_setup, 4, zeros));
  attempt("personality", syscall(SYS_personality, ADDR_NO_RANDOMIZE));
  attempt("fanotify", syscall(SYS_fanotify_init, 0x200, O_RDONLY));
  char handle[200];
  *(unsigned*)handle = 128;
  int mount;
  attempt("name_to_handle_at", syscall(SYS_name_to_handle_at, AT_FDCWD, "/usr", handle, &mount, 0));
  return verdict();
}
