#include <stdlib.h>
#include <string.h>

int main(void) {
  for (;;) {
    char* part = malloc(1 << 20);
    if (part == NULL) return 9;
    memset(part, 1, 1 << 20);
    __asm__ volatile("" : : "r"(part) : "memory");
  }
}
