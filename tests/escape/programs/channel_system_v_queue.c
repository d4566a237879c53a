// Two runs at once: 'send' makes a System V message queue and a semaphore under a number that both
// know; 'receive' looks for them.
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>

#include "common.h"
enum { kKey = 0x5A4D9174 };
int main(int argc, char** argv) {
  if (!strcmp(argv[1], "send")) {
    int queue = msgget(kKey, IPC_CREAT | 0666), semaphore = semget(kKey, 1, IPC_CREAT | 0666);
    puts("ready");
    fflush(stdout);
    getchar();
    msgctl(queue, IPC_RMID, 0);
    semctl(semaphore, 0, IPC_RMID);
    return 0;
  }
  attempt("msgget", msgget(kKey, 0));
  attempt("semget", semget(kKey, 0, 0));
  return verdict();
}
