// Keeps N (argument 1) open files without a descriptor of its own: each is in flight on a socket.
#include <sys/socket.h>

#include "common.h"
static int send_one(int by, int file) {
  char space[CMSG_SPACE(sizeof(int))] = {0}, byte = 0;
  struct iovec part = {&byte, 1};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
  struct cmsghdr* head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_SOCKET, head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(head), &file, sizeof(int));
  return sendmsg(by, &message, MSG_DONTWAIT);
}
int main(int argc, char** argv) {
  int most = atoi(argv[1]), made = 0, pairs[64][2], n = 0;
  while (n < 64 && socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[n]) == 0) ++n;
  for (int i = 0; i < n; ++i) {
    for (int k = 0; k < 200 && made < most; ++k) {
      int file = open("/dev/null", O_RDONLY);
      if (file < 0 || send_one(pairs[i][0], file) < 0) {
        close(file);
        break;
      }
      close(file);
      ++made;
    }
  }
  printf("%d files in flight\n", made);
  escapes = made >= most;
  return verdict();
}
