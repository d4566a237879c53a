// Makes a 16-bit segment in its local descriptor table.
#include <asm/ldt.h>

#include "common.h"
int main(void) {
  struct user_desc segment = {.entry_number = 0, .limit = 1, .read_exec_only = 1};
  attempt("modify_ldt", syscall(SYS_modify_ldt, 1, &segment, sizeof segment));
  return verdict();
}
