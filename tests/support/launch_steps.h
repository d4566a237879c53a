// Which kind of run meets which step of the launch. Complete: a step that is added does not compile
// here until it has a run that is made to fail at it (launch_failure_test.cc,
// warm_failure_test.cc).
#pragma once

#include <vector>

#include "engine/jail/child.h"

namespace sandpit::test {

enum class Way : std::uint8_t {
  kCold,          // any cold run
  kColdLoopback,  // one with a private loopback
  kColdHosts,     // one with a proxy outside
  kForked,        // from a template
};

inline std::vector<Way> ways_to(jail::LaunchStep step) {
  using jail::LaunchStep;
  switch (step) {
    case LaunchStep::kNone:
    case LaunchStep::kCount:
      return {};
    case LaunchStep::kNetworkNamespace:  // a template has some ready
    case LaunchStep::kWaitForGo:
    case LaunchStep::kRootFs:  // these four: a template has its root already
    case LaunchStep::kReadOnlyRoot:
    case LaunchStep::kPivot:
    case LaunchStep::kDetachOldRoot:
    case LaunchStep::kExec:
      return {Way::kCold};
    case LaunchStep::kLoopback:
      return {Way::kColdLoopback, Way::kColdHosts};
    case LaunchStep::kEgress:
      return {Way::kColdHosts};
    case LaunchStep::kSeccomp:
      return {Way::kCold, Way::kColdHosts, Way::kForked};
    case LaunchStep::kIdMaps:
    case LaunchStep::kInit:
    case LaunchStep::kTell:
      return {Way::kForked};
    case LaunchStep::kJoinCgroup:
    case LaunchStep::kCgroupNamespace:
    case LaunchStep::kIds:
    case LaunchStep::kSession:
    case LaunchStep::kVolume:
    case LaunchStep::kMount:
    case LaunchStep::kProc:
    case LaunchStep::kInput:
    case LaunchStep::kHostname:
    case LaunchStep::kWorkingDirectory:
    case LaunchStep::kRlimit:
    case LaunchStep::kCapabilities:
    case LaunchStep::kNoNewPrivileges:
    case LaunchStep::kLandlock:
    case LaunchStep::kStdio:
    case LaunchStep::kFork:
    case LaunchStep::kListener:
      return {Way::kCold, Way::kForked};
  }
  return {};
}

inline std::vector<jail::LaunchStep> all_launch_steps() {
  std::vector<jail::LaunchStep> steps;
  for (int step = static_cast<int>(jail::LaunchStep::kNone) + 1;
       step < static_cast<int>(jail::LaunchStep::kCount); ++step) {
    steps.push_back(static_cast<jail::LaunchStep>(step));
  }
  return steps;
}

}  // namespace sandpit::test
