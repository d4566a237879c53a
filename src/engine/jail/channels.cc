#include "engine/jail/channels.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "base/result.h"
#include "base/unique_fd.h"
#include "engine/jail/idmap.h"
#include "sandpit/error.h"

namespace sandpit::jail {

Result<Pipe> output_pipe(const RunIds& ids, Owner owner) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return fail(errno_error("pipe2", errno));
  Pipe pipe{.read = UniqueFd(ends[0]), .write = UniqueFd(ends[1])};
  if (::fcntl(pipe.read.get(), F_SETFL, O_NONBLOCK) < 0) return fail(errno_error("fcntl", errno));
  if (owner == Owner::kRun && ::fchown(pipe.write.get(), ids.host_uid, ids.host_gid) < 0) {
    return fail(errno_error("fchown", errno));
  }
  return pipe;
}

Result<SocketPair> socket_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
    return fail(errno_error("socketpair", errno));
  }
  SocketPair pair{.host = UniqueFd(ends[0]), .child = UniqueFd(ends[1])};
  if (::fcntl(pair.host.get(), F_SETFL, O_NONBLOCK) < 0) return fail(errno_error("fcntl", errno));
  return pair;
}

}  // namespace sandpit::jail
