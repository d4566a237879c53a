// A denied system call as a user reads it: what it was about, and the setting that allows it. Pure:
// the caller's memory is behind an interface, and all that comes from there is hostile.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "egress/rules.h"
#include "plan/egress_plan.h"
#include "plan/plan.h"

namespace sandpit {

// What can be seen of the process that made the call.
class CallMemory {
 public:
  CallMemory() = default;
  CallMemory(const CallMemory&) = delete;
  CallMemory& operator=(const CallMemory&) = delete;
  virtual ~CallMemory() = default;
  // At most so many bytes; fewer, or none, where there is no more.
  [[nodiscard]] virtual std::string bytes(std::uint64_t address, std::size_t most) = 0;
  // "TCP", "UDPv6": of its socket; empty for what is none.
  [[nodiscard]] virtual std::string socket_protocol(int descriptor) = 0;
};

struct DeniedCall {
  std::string_view name;
  std::array<std::uint64_t, 6> arguments{};
};

// "CLONE_NEWUSER", "1.1.1.1:443 (tcp)", a path; empty where the name says all. Of bounded length,
// and safe for a terminal.
[[nodiscard]] std::string detail_of(const DeniedCall& call, CallMemory& memory);

// "1.1.1.1:443", "[::1]:443", "unix /run/x", "unix @abstract"; "" for what is no address.
[[nodiscard]] std::string address_text(std::string_view bytes);

// An address as above that only a network could reach.
[[nodiscard]] bool is_internet(std::string_view address);

// What a program gets that tries an address which its network, a list of hosts, does not have.
struct Unreached {
  std::string detail;  // the host by its name, where the program has one for it
  int error = 0;
  bool listed = false;  // but without a socket of its own: through the proxy only
};
// `detail` is of an address that only a network could reach. None: the network has it, or it is the
// run's own loopback.
[[nodiscard]] std::optional<Unreached> unreached(std::string_view detail, const EgressPlan& plan,
                                                 const egress::AllowList& list);

// Does Landlock see to calls with `detail`, an address of a network? It knows TCP from ABI 4 on.
[[nodiscard]] bool is_seen_by_landlock(std::string_view detail, const Plan& plan);

// Does a bind of this run to `detail` fail? By Landlock, where there is no network; or by the
// kernel, as no run has a right to low ports.
[[nodiscard]] bool is_bind_denied(std::string_view detail, const Plan& plan);

// The setting that lets this very call, with this detail, through, as the configuration has it;
// empty when the kernel would refuse the call all the same, or the jail is built on its denial.
[[nodiscard]] std::string hint_for(const DeniedCall& call, std::string_view detail,
                                   const Plan& plan);

}  // namespace sandpit
