// Turns a Plan into the ChildSpec that the child reads after clone: all memory that the child
// touches is laid out here, before.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "engine/jail/child.h"
#include "engine/jail/idmap.h"
#include "plan/plan.h"

namespace sandpit::jail {

// `descriptors`: those of plan.inputs, in their order. The Plan must outlive what is made of it.
[[nodiscard]] std::vector<ChildInput> child_inputs(const Plan& plan,
                                                   const std::vector<UniqueFd>& descriptors);

// RLIMIT_CPU of each of the run's processes, in seconds; 0 where there is none.
[[nodiscard]] std::uint64_t cpu_rlimit(const Plan& plan);

class SpecBuilder {
 public:
  // The Plan must outlive the builder, the builder the clone.
  explicit SpecBuilder(const Plan& plan);
  // As root: opens what will be mounted as detached trees, since a subordinate uid can't reach
  // every path (/root), and maps owners of granted paths to the run's id. Of a ready-made tree only
  // the granted ones are needed.
  [[nodiscard]] Result<void> open_trees(const RunIds& ids, int proc_dir, bool ready_made);
  [[nodiscard]] ChildArray<ChildMount> mounts() const {
    return {.data = mounts_.data(), .size = mounts_.size()};
  }
  // Everything but the descriptors of stdio and socket.
  [[nodiscard]] ChildSpec& finish(const std::vector<UniqueFd>& inputs);
  [[nodiscard]] const ChildSpec& spec() const { return spec_; }

 private:
  Result<void> map_owner(int tree, const Mount& mount, const RunIds& ids, int proc_dir);
  void add_rlimits();
  void add_egress(const EgressPlan& egress);

  const Plan& plan_;
  ChildSpec spec_;
  std::vector<ChildMount> mounts_;
  std::vector<UniqueFd> trees_;
  std::vector<ChildInput> inputs_;
  std::vector<ChildRlimit> rlimits_;
  std::vector<ChildLandlockRule> landlock_;
  std::vector<char*> argv_;
  std::vector<char*> envp_;
  std::vector<sock_filter> filter_;
  std::vector<ChildEgressNetwork> egress_networks_;
  std::vector<ChildEgressSocket> egress_sockets_;
  std::string volume_size_;
  std::string volume_inodes_;
};

}  // namespace sandpit::jail
