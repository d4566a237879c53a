// Makes a map of the kernel's BPF machine, the first step to a program in the kernel.
#include <linux/bpf.h>

#include "common.h"
int main(void) {
  union bpf_attr map = {.map_type = 2, .key_size = 4, .value_size = 4, .max_entries = 1};
  attempt("bpf", syscall(SYS_bpf, BPF_MAP_CREATE, &map, sizeof map));
  return verdict();
}
