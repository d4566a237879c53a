// How the library and its launcher talk: messages on seqpacket sockets, the first byte tells the
// kind, structures in a plain binary form. Both ends are built from the same sources and installed
// together: no versions, but every length is checked, since the launcher is the more privileged
// one.
//
//   control socket   library -> launcher: kChannel with one end of a new socket pair; launcher ->
//   library: kHello, once channel          library -> launcher: kStart (Plan, descriptors),
//   kCancel, kGrantCpu (milliseconds, int64: warm workers); launcher -> library: kStdout*,
//   kStderr*, then kFinished or kError
//
// A channel carries one run at a time. Closing it cancels its run; closing the control socket ends
// the launcher and all its runs.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/binary.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "plan/plan.h"
#include "sandpit/outcome.h"
#include "sandpit/sandbox.h"
#include "sys/host_facts.h"

namespace sandpit::wire {

enum class Kind : std::uint8_t {
  kHello,
  kChannel,
  kStart,
  kCancel,
  kGrantCpu,
  kStdout,
  kStderr,
  kFinished,
  kError,
  kTemplates,       // library -> launcher, on the control socket, first of all: TemplateOptions
  kTemplateCounts,  // library -> launcher, on an idle channel, empty; the answer holds the counts
};

// First byte of a kStart message: which descriptors travel with it, in this order, before those of
// plan.inputs.
enum StartFlag : std::uint8_t {
  kPlanInMemory = 1,  // a memfd that holds the Plan
  kDirectInput = 2,   // the pipe that becomes standard input
  kPumpedInput = 4,   // the file that is pumped into it
  kStreaming = 8,     // no descriptor: output is wanted as it comes
  kWantsVolume = 16,  // no descriptor: kFinished shall carry the private volume
};

// Larger Plans travel in a memfd (the socket's send buffer is 208 KiB by default).
inline constexpr std::size_t kLargestInline = 96U << 10U;
inline constexpr std::size_t kLargestMessage = 160U << 10U;
inline constexpr std::size_t kOutputChunk = 64U << 10U;

using binary::Reader;
using binary::Writer;

// ---- sockets

struct Message {
  Kind kind = Kind::kError;
  std::string body;
  std::vector<UniqueFd> descriptors;
};

// One message. `wait` false: kSystem with EAGAIN when the socket is full.
enum class Blocking : std::uint8_t { kWait, kDontWait };
[[nodiscard]] Result<void> send(int socket, Kind kind, std::string_view body,
                                std::vector<int> descriptors, Blocking blocking);
// kCancelled when the other end is gone, kSystem with EAGAIN when there is nothing and `blocking`
// is kDontWait.
[[nodiscard]] Result<Message> receive(int socket, Blocking blocking);

// ---- structures

// A kStart message with this Plan, in the body or, when it is large, in a memory file that must be
// the first of the message's descriptors. `flags`: of StartFlag, without kPlanInMemory.
struct StartMessage {
  std::string body;
  UniqueFd plan;  // invalid: in the body
};
[[nodiscard]] Result<StartMessage> start_message(const Plan& plan, std::uint8_t flags);

[[nodiscard]] std::string encode(const Plan& plan);
[[nodiscard]] Result<Plan> decode_plan(std::string_view bytes);
// The part of `bytes`, the encoded `plan`, that its arguments and inputs are not in: equal for runs
// that need the same jail.
[[nodiscard]] std::string_view kind_of(std::string_view bytes, const Plan& plan);
[[nodiscard]] std::string encode(const Outcome& outcome);
[[nodiscard]] Result<Outcome> decode_outcome(std::string_view bytes);
[[nodiscard]] std::string encode(const HostFacts& facts);
[[nodiscard]] Result<HostFacts> decode_facts(std::string_view bytes);
[[nodiscard]] std::string encode(const TemplateOptions& options);
[[nodiscard]] Result<TemplateOptions> decode_template_options(std::string_view bytes);
[[nodiscard]] std::string encode(const std::vector<TemplateCounts>& counts);
[[nodiscard]] Result<std::vector<TemplateCounts>> decode_template_counts(std::string_view bytes);
[[nodiscard]] std::string encode(const Error& error);
[[nodiscard]] Error decode_error(std::string_view bytes);

}  // namespace sandpit::wire
