// Two runs at once: 'send' puts a key on the ring of its user; 'receive' looks for it there.
#include <linux/keyctl.h>

#include "common.h"
int main(int argc, char** argv) {
  if (!strcmp(argv[1], "send")) {
    long key = syscall(SYS_add_key, "user", "sandpit-channel", "x", 1, KEY_SPEC_USER_KEYRING);
    puts("ready");
    fflush(stdout);
    getchar();
    syscall(SYS_keyctl, KEYCTL_UNLINK, key, KEY_SPEC_USER_KEYRING);
    return 0;
  }
  attempt("search",
          syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_USER_KEYRING, "user", "sandpit-channel", 0));
  return verdict();
}
