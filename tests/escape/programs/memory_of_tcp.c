// Holds N (argument 1) MiB in connections to itself that nobody reads.
#include <netinet/in.h>
#include <sys/socket.h>

#include "common.h"
int main(int argc, char** argv) {
  static char block[65536];
  long held = 0, most = atol(argv[1]) << 20;
  struct sockaddr_in address = {AF_INET, 0, {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof address;
  int server = socket(AF_INET, SOCK_STREAM, 0);
  bind(server, (void*)&address, size);
  listen(server, 1000);
  getsockname(server, (void*)&address, &size);
  for (int i = 0; held < most && i < 400; ++i) {
    int end = socket(AF_INET, SOCK_STREAM, 0);
    if (end < 0 || connect(end, (void*)&address, size) != 0) break;
    fcntl(end, F_SETFL, O_NONBLOCK);
    accept(server, 0, 0);
    for (long n; held < most && (n = write(end, block, sizeof block)) > 0;) held += n;
  }
  printf("%ld MiB\n", held >> 20);
  escapes = held >= most;
  return verdict();
}
