// CPU time, memory and number of tasks of a process tree, read from /proc: for hosts where no
// cgroup can be had. Weaker than a cgroup, and a run that relies on it is reported as "sampled":
// what happens between two samples is not seen, and the CPU time of children that nobody waits for
// (SIGCHLD ignored, so the kernel reaps them) is lost with them.
#pragma once

#include <sys/types.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sandpit/units.h"

namespace sandpit::sys {

struct TreeSample {
  Microseconds user{0};  // of the living and of the dead that were waited for
  Microseconds system{0};
  ByteCount memory;  // proportional set size, shared pages divided among their users; files in
                     // tmpfs not included
  std::uint32_t tasks = 0;          // threads of all processes, the root's included
  bool memory_is_estimate = false;  // no smaps_rollup: resident minus shared
  Microseconds seen{0};  // TreeSampler: the sum of what each process had used when it was last seen
  [[nodiscard]] Microseconds cpu() const { return std::max(user + system, seen); }
};

// The tree below and including `root`, the jail's init: orphans become its children, so that the
// tree stays whole. `proc_dir`: a /proc that shows it. kSystem with errno_value ESRCH when root is
// gone. Processes that vanish meanwhile are skipped; what they used shows in their parent's figures
// once they are waited for.
[[nodiscard]] Result<TreeSample> sample_tree(pid_t root, const UniqueFd& proc_dir);

// Clock ticks that each process, known by pid and start time, has used by itself.
using OwnTimes = std::map<std::pair<pid_t, std::uint64_t>, std::uint64_t>;
[[nodiscard]] Result<TreeSample> sample_tree(pid_t root, const UniqueFd& proc_dir,
                                             OwnTimes* own_times);

// One per run. Between the death of a process and its being waited for its time may be in neither
// figure: the CPU time handed out never goes back. Keeps the peak too.
class TreeSampler {
 public:
  TreeSampler(pid_t root, const UniqueFd& proc_dir) : root_(root), proc_dir_(&proc_dir) {}
  // The maximum so far of user, system and memory; the latest number of tasks.
  [[nodiscard]] Result<TreeSample> sample();
  [[nodiscard]] const TreeSample& highest() const { return highest_; }

 private:
  pid_t root_;
  const UniqueFd* proc_dir_;
  TreeSample highest_;
  OwnTimes own_times_;
  std::uint64_t forgotten_ = 0;
};

}  // namespace sandpit::sys
