// Reads the kernel's ring buffer, by the call and by the device.
#include <sys/klog.h>

#include "common.h"
int main(void) {
  static char text[65536];
  attempt("syslog", klogctl(3, text, sizeof text));
  attempt("/dev/kmsg", open("/dev/kmsg", O_RDONLY | O_NONBLOCK));
  return verdict();
}
