// Holds N (argument 1) MiB in System V message queues, which outlive their maker where its
// namespace does. It removes them, should they be there.
#include <sys/ipc.h>
#include <sys/msg.h>

#include "common.h"
int main(int argc, char** argv) {
  static struct {
    long kind;
    char text[8000];
  } message = {1};
  static int queues[32000];
  long held = 0, most = atol(argv[1]) << 20;
  int n = 0;
  for (; held < most && n < 32000 && (queues[n] = msgget(IPC_PRIVATE, 0600 | IPC_CREAT)) >= 0; ++n)
    while (held < most && msgsnd(queues[n], &message, sizeof message.text, IPC_NOWAIT) == 0)
      held += sizeof message.text;
  printf("%ld MiB\n", held >> 20);
  escapes = held >= most;
  for (int i = 0; i < n; ++i) msgctl(queues[i], IPC_RMID, 0);
  return verdict();
}
