// Turns what was observed of a run into its Outcome: pure, but for the two readings of the host at
// the end.
#pragma once

#include <cstdint>
#include <string>

#include "base/unique_fd.h"
#include "engine/jail/child.h"
#include "engine/jail/jail.h"
#include "plan/plan.h"
#include "sandpit/outcome.h"
#include "supervisor/supervisor.h"
#include "sys/cgroup.h"

namespace sandpit {

// What a volume has no room for; when it is both, bytes.
enum class VolumeFull : std::uint8_t { kNo, kBytes, kFiles };

struct RunFacts {
  const Plan& plan;
  Microseconds wall_time{0};
  KillReason reason = KillReason::kNone;
  std::string kill_message;
  const jail::ChildMessage* launch_failure = nullptr;
  int wait_status = -1;  // as from waitpid(2); -1: init ended without telling
  sys::CgroupUsage usage;
  jail::Jail::End end;
  Microseconds sampled_cpu{0};
  ByteCount sampled_memory;
  ByteCount files;
  VolumeFull volume_full = VolumeFull::kNo;
  bool proc_missing = false;
};

// What a forked run's init says that was used. Bounded: it is another process that says it.
[[nodiscard]] jail::Jail::End told_end(const jail::ChildMessage& message);

void describe_run(const RunFacts& facts, Outcome& outcome);

// Bytes that files hold in the volume; 0 when there is none.
[[nodiscard]] ByteCount volume_bytes(const UniqueFd& volume);
[[nodiscard]] VolumeFull volume_full(const UniqueFd& volume);
[[nodiscard]] long online_processors();

// "512 MiB", "1.5 KiB", "3 bytes".
[[nodiscard]] std::string human(ByteCount bytes);
// "1 s", "1.5 s", "200 ms".
[[nodiscard]] std::string human(Microseconds time);

}  // namespace sandpit
