// Never reads what it is given, while somebody wants to give it much.
#include "common.h"
int main(void) {
  usleep(300000);
  puts("not interested");
  return 0;
}
