// Holds N (argument 1) MiB in System V segments that nobody has attached, not even when it ends.
// It removes them, should they be there.
#include <sys/ipc.h>
#include <sys/shm.h>

#include "common.h"
int main(int argc, char** argv) {
  int ids[512], made = 0, most = atoi(argv[1]);
  for (; made < most && made < 512; ++made) {
    ids[made] = shmget(IPC_PRIVATE, 1 << 20, 0600 | IPC_CREAT);
    if (ids[made] < 0) break;
    char* p = shmat(ids[made], 0, 0);
    if (p == (char*)-1) break;
    memset(p, 'x', 1 << 20);
    shmdt(p);
  }
  printf("%d MiB\n", made);
  escapes = made >= most;
  for (int i = 0; i < made; ++i) shmctl(ids[i], IPC_RMID, 0);
  return verdict();
}
