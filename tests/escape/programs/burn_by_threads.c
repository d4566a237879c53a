// Burns processor time in eight threads at once.
#include <pthread.h>

#include "common.h"
static void* burn(void* unused) {
  for (volatile unsigned long i = 0;; ++i) {
  }
}
int main(void) {
  pthread_t thread;
  for (int i = 0; i < 7; ++i) pthread_create(&thread, 0, burn, 0);
  burn(0);
}
