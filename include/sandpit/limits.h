// What one run may consume. Public. Each limit is enforced or the run is refused; the Outcome's
// `enforcement` says by which mechanism.
#pragma once

#include <cstdint>
#include <optional>

#include "sandpit/units.h"

namespace sandpit {

struct Limits {
  ByteCount memory = ByteCount::mib(
      512);  // of the whole process tree, files in /tmp and the work directory included
  Milliseconds cpu_time{5000};    // user + system time of the whole process tree
  Milliseconds wall_time{10000};  // from the start of the program to its end
  std::uint32_t processes = 10;   // tasks beyond what the runtime itself needs (see Runtime)
  ByteCount file_size = ByteCount::kib(5120);  // of one file, RLIMIT_FSIZE
  std::uint32_t open_files =
      20;  // per process, beyond what the runtime itself needs, RLIMIT_NOFILE
  ByteCount disk = ByteCount::mib(256);      // of all files together; counts as memory too
  std::uint64_t inodes = 16384;              // files and directories together
  ByteCount output = ByteCount::kib(16384);  // of stdout and of stderr, each
  ByteCount stack = ByteCount::mib(8);       // of the main thread, RLIMIT_STACK
  // Of the compile step, which has a jail of its own; all of the above is the run step's.
  Milliseconds compile_time{30000};  // wall time; CPU time may be as long on each of two processors
  ByteCount compile_memory = ByteCount::mib(2048);    // its files included
  ByteCount compile_file_size = ByteCount::mib(256);  // of one file
};

// The limits that one layer (a runtime's override, a request) sets; what is empty is inherited.
struct LimitOverrides {
  std::optional<ByteCount> memory;
  std::optional<Milliseconds> cpu_time;
  std::optional<Milliseconds> wall_time;
  std::optional<std::uint32_t> processes;
  std::optional<ByteCount> file_size;
  std::optional<std::uint32_t> open_files;
  std::optional<ByteCount> disk;
  std::optional<std::uint64_t> inodes;
  std::optional<ByteCount> output;
  std::optional<ByteCount> stack;
  std::optional<Milliseconds> compile_time;
  std::optional<ByteCount> compile_memory;
  std::optional<ByteCount> compile_file_size;

  bool operator==(const LimitOverrides&) const = default;
};

}  // namespace sandpit
