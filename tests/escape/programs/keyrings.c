// Uses kernel key rings, which no namespace divides fully.
#include <linux/keyctl.h>

#include "common.h"
int main(void) {
  attempt("add_key",
          syscall(SYS_add_key, "user", "sandpit-test", "x", 1, KEY_SPEC_PROCESS_KEYRING));
  attempt("keyctl session",
          syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0));
  attempt("keyctl user", syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 1));
  attempt("request_key", syscall(SYS_request_key, "user", "sandpit-test", 0, 0));
  return verdict();
}
