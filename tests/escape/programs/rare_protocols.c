// Sockets of rare protocols over the ordinary families: multipath TCP, SCTP, UDP-Lite.
#include <netinet/in.h>
#include <sys/socket.h>

#include "common.h"
int main(void) {
  attempt("mptcp", socket(AF_INET, SOCK_STREAM, 262));
  attempt("sctp", socket(AF_INET, SOCK_STREAM, 132));
  attempt("udplite", socket(AF_INET, SOCK_DGRAM, 136));
  return verdict();
}
