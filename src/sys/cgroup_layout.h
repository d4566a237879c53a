// Where this process's cgroups are: a pure function of the texts of /proc/self/cgroup and
// /proc/self/mountinfo, so that recorded hosts test it. Only sys/cgroup*.cc and service/doctor.cc
// use it. See cgroups(7), proc(5).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sys/host_facts.h"

namespace sandpit::sys {

// This process's group as far as one controller (or the whole v2 hierarchy) is concerned.
struct CgroupPlace {
  CgroupVersion version = CgroupVersion::kNone;
  // One for each mount through which the group can be reached, the newest mount first. Which of
  // them is not hidden by a later mount is for the prober to find out; `mount_point` and
  // `directory` are paths of this mount namespace.
  struct Candidate {
    std::string mount_point;
    std::string directory;
  };
  std::vector<Candidate> candidates;
  std::string reason;  // when there is no candidate
};

struct CgroupLayout {
  CgroupPlace memory;  // v1 when a v1 hierarchy has the controller, else the same as `unified`
  CgroupPlace pids;
  CgroupPlace cpu;      // cpuacct on v1
  CgroupPlace unified;  // the v2 hierarchy, when it is mounted
};

[[nodiscard]] CgroupLayout parse_cgroup_layout(std::string_view self_cgroup,
                                               std::string_view mountinfo);

// "\040" and the like, as mountinfo writes spaces, tabs, newlines and backslashes.
[[nodiscard]] std::string unescape_octal(std::string_view text);

// The nth (from 0) field of a line whose fields are separated by single spaces; empty when there is
// none.
[[nodiscard]] std::string_view field_of(std::string_view line, unsigned index);

// Calls `visit(line)` for each line, without its newline; the last need not end in one.
template <class Visit>
void for_each_line(std::string_view text, Visit visit) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    visit(text.substr(0, end));
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

}  // namespace sandpit::sys
