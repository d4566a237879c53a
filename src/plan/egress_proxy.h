// The proxy of a run whose network is a list of hosts: a jail of its own that has the host's
// network and nothing else, no file but those that name look-up reads.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "plan/plan.h"
#include "sandpit/units.h"
#include "sys/host_facts.h"

namespace sandpit {

// The descriptor under which the proxy gets its socket to the supervisor (egress/protocol.h).
inline constexpr std::uint32_t kEgressControl = 3;
inline constexpr ByteCount kEgressProxyMemory = ByteCount::mib(128);

// For `run`, whose limits in time it shares. Error kRefused when there is no such program here.
[[nodiscard]] Result<Plan> egress_proxy_plan(const Plan& run, const HostFacts& facts);

}  // namespace sandpit
