// The pipes and sockets between a jail and its host.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "base/unique_fd.h"
#include "engine/jail/idmap.h"

namespace sandpit::jail {

struct Pipe {
  UniqueFd read;   // does not block
  UniqueFd write;  // does, as programs expect
};
// As root the run's own: programs reopen /dev/stdout by path, which the kernel allows to the
// pipe's owner only.
enum class Owner : std::uint8_t { kCaller, kRun };
[[nodiscard]] Result<Pipe> output_pipe(const RunIds& ids, Owner owner);

struct SocketPair {
  UniqueFd host;  // does not block
  UniqueFd child;
};
[[nodiscard]] Result<SocketPair> socket_pair();

}  // namespace sandpit::jail
