// Two runs at once: 'send' makes a POSIX message queue; 'receive' opens it by its name.
#include <mqueue.h>

#include "common.h"
int main(int argc, char** argv) {
  if (!strcmp(argv[1], "send")) {
    mq_open("/sandpit-channel", O_CREAT | O_RDWR, 0666, 0);
    puts("ready");
    fflush(stdout);
    getchar();
    mq_unlink("/sandpit-channel");
    return 0;
  }
  attempt("mq_open", mq_open("/sandpit-channel", O_RDONLY));
  return verdict();
}
