#include "service/wire.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/descriptors.h"
#include "base/memory_file.h"
#include "base/result.h"
#include "plan/egress_plan.h"
#include "plan/plan.h"
#include "sandpit/error.h"
#include "sandpit/limits.h"
#include "sandpit/outcome.h"
#include "sandpit/runtime.h"
#include "sandpit/sandbox.h"

namespace sandpit {

// NOLINTBEGIN(misc-use-internal-linkage): look-up by argument passes unnamed namespaces over.
// The fields of each structure, once for both directions. Found by argument-dependent look-up.
using binary::Is;

template <class Archive, Is<Limits> T>
void describe(Archive& a, T& v) {
  a(v.memory, v.cpu_time, v.wall_time, v.processes, v.file_size, v.open_files, v.disk, v.inodes,
    v.output, v.stack);
}
template <class Archive, Is<Mount> T>
void describe(Archive& a, T& v) {
  a(v.kind, v.flags, v.mode, v.target, v.source, v.content);
}
template <class Archive, Is<InputFile> T>
void describe(Archive& a, T& v) {
  a(v.name, v.mode, v.size, v.offset, v.directory, v.same_descriptor, v.as_descriptor);
}
template <class Archive, Is<LandlockRule> T>
void describe(Archive& a, T& v) {
  a(v.path, v.access);
}
template <class Archive, Is<Enforcement> T>
void describe(Archive& a, T& v) {
  a(v.limit, v.mechanisms, v.degraded);
}
template <class Archive, Is<WarmStart> T>
void describe(Archive& a, T& v) {
  a(v.prelude, v.rehearsal, v.argv, v.env, v.trigger, v.args_in_argv);  // the rest: describe_rest
}
template <class Archive, Is<EgressSocket> T>
void describe(Archive& a, T& v) {
  a(v.kind, v.address, v.port, v.target);
}
template <class Archive, Is<EgressNetwork> T>
void describe(Archive& a, T& v) {
  a(v.address, v.prefix);
}
template <class Archive, Is<EgressName> T>
void describe(Archive& a, T& v) {
  a(v.name, v.address);
}
template <class Archive, Is<EgressPlan> T>
void describe(Archive& a, T& v) {
  a(v.hosts, v.networks, v.sockets, v.names);
}
template <class Archive, Is<NetworkUse> T>
void describe(Archive& a, T& v) {
  a(v.connections, v.denied, v.sent, v.received);
}
// A Plan in two parts: what all runs of one kind have in common, and what each brings.
template <class Archive, Is<Plan> T>
void describe_kind(Archive& a, T& v) {
  a(v.runtime, v.runtime_version, v.engine, v.env, v.cwd, v.hostname, v.uid, v.gid, v.mounts,
    v.work_dir, v.network, v.limits, v.max_tasks, v.helper_tasks, v.max_descriptors, v.enforcement,
    v.syscall_profile, v.seccomp, v.report_denials, v.trace, v.silent_reason, v.denied_syscalls,
    v.landlock, v.landlock_abi, v.allow_missing_proc, v.wasm, v.warm, v.is_template, v.egress,
    v.egress_proxy);
}
template <class Archive, Is<Plan> T>
void describe_rest(Archive& a, T& v) {
  a(v.argv, v.inputs, v.warnings, v.cold_reason);
  if (v.warm) a(v.warm->source, v.warm->args);
}
template <class Archive, Is<Plan> T>
void describe(Archive& a, T& v) {
  describe_kind(a, v);
  describe_rest(a, v);
}
template <class Archive, Is<Denial> T>
void describe(Archive& a, T& v) {
  a(v.what, v.call, v.detail, v.error, v.hint, v.count);
}
template <class Archive, Is<LimitReached> T>
void describe(Archive& a, T& v) {
  a(v.limit, v.detail, v.hint, v.count);
}
template <class Archive, Is<WasmOutcome> T>
void describe(Archive& a, T& v) {
  a(v.fuel_used, v.memory_high_water, v.compile_time, v.cache_hit, v.warm, v.compiler, v.trap,
    v.backtrace);
}
// Without `grant`: which files of the host they are is found out on this side of the socket.
template <class Archive, Is<FileAccess> T>
void describe(Archive& a, T& v) {
  a(v.path, v.access, v.error, v.hint, v.count);
}
template <class Archive, Is<FileTrace> T>
void describe(Archive& a, T& v) {
  a(v.failed, v.unlisted, v.absent, v.missing);
}
// Without `compile`: the launcher runs one step at a time.
template <class Archive, Is<Outcome> T>
void describe(Archive& a, T& v) {
  a(v.status, v.exit_code, v.signal, v.stdout_text, v.stderr_text, v.stdout_bytes, v.stderr_bytes,
    v.stdout_truncated, v.stderr_truncated, v.wall_time, v.cpu_time, v.user_time, v.system_time,
    v.peak_memory, v.files, v.runtime, v.runtime_version, v.engine, v.denials, v.denials_unlisted,
    v.denials_missing, v.limits_reached, v.enforcement, v.warnings, v.message, v.start,
    v.start_reason, v.wasm, v.network, v.files_traced);
}
template <class Archive, Is<ControllerFacts> T>
void describe(Archive& a, T& v) {
  a(v.version, v.directory, v.reason, v.mend);
}
template <class Archive, Is<HostFacts> T>
void describe(Archive& a, T& v) {
  a(v.kernel_major, v.kernel_minor, v.is_root, v.uid, v.gid, v.landlock_abi, v.memory, v.pids,
    v.cpu);
}
template <class Archive, Is<TemplateOptions> T>
void describe(Archive& a, T& v) {
  a(v.least, v.most, v.waiting, v.idle, v.memory, v.runs, v.life);
}
template <class Archive, Is<TemplateCounts> T>
void describe(Archive& a, T& v) {
  a(v.runtime, v.preload, v.ready, v.starting, v.waiting, v.hits, v.waited, v.misses, v.made,
    v.failed, v.crashed, v.oldest, v.memory, v.failure);
}
template <class Archive, Is<Error> T>
void describe(Archive& a, T& v) {
  a(v.code, v.message, v.where, v.hint, v.errno_value, v.others);
}

// NOLINTEND(misc-use-internal-linkage)

namespace wire {
namespace {

constexpr std::size_t kMostDescriptors = 64;

template <class T>
std::string encode_any(const T& value) {
  Writer writer;
  writer(value);
  return std::move(writer).take();
}

template <class T>
Result<T> decode_any(std::string_view bytes) {
  T value;
  Reader reader(bytes);
  reader(value);
  if (!reader.finished())
    return fail({.code = ErrorCode::kSandbox, .message = "malformed message"});
  return value;
}

}  // namespace

Result<StartMessage> start_message(const Plan& plan, std::uint8_t flags) {
  StartMessage message;
  const std::string bytes = encode(plan);
  const bool large = bytes.size() > kLargestInline;
  if (large) {
    SP_TRY(message.plan, sealed_memory_file("sandpit-plan", bytes));
    flags |= kPlanInMemory;
  }
  message.body.assign(1, static_cast<char>(flags));
  if (!large) message.body += bytes;
  return message;
}

std::string encode(const Plan& plan) { return encode_any(plan); }
Result<Plan> decode_plan(std::string_view bytes) { return decode_any<Plan>(bytes); }
std::string_view kind_of(std::string_view plan_bytes, const Plan& plan) {
  Writer writer;
  describe_rest(writer, plan);
  return plan_bytes.substr(0, plan_bytes.size() - std::move(writer).take().size());
}
std::string encode(const Outcome& outcome) { return encode_any(outcome); }
Result<Outcome> decode_outcome(std::string_view bytes) { return decode_any<Outcome>(bytes); }
std::string encode(const HostFacts& facts) { return encode_any(facts); }
Result<HostFacts> decode_facts(std::string_view bytes) { return decode_any<HostFacts>(bytes); }
std::string encode(const TemplateOptions& options) { return encode_any(options); }
Result<TemplateOptions> decode_template_options(std::string_view bytes) {
  return decode_any<TemplateOptions>(bytes);
}
std::string encode(const std::vector<TemplateCounts>& counts) { return encode_any(counts); }
Result<std::vector<TemplateCounts>> decode_template_counts(std::string_view bytes) {
  return decode_any<std::vector<TemplateCounts>>(bytes);
}
std::string encode(const Error& error) { return encode_any(error); }
Error decode_error(std::string_view bytes) {
  auto error = decode_any<Error>(bytes);
  return error ? std::move(*error) : std::move(error).error();
}

Result<void> send(int socket, Kind kind, std::string_view body, std::vector<int> descriptors,
                  Blocking blocking) {
  std::array<iovec, 2> parts{
      {{.iov_base = &kind, .iov_len = 1},
       // NOLINTNEXTLINE(*-const-cast): iovec serves both directions
       {.iov_base = const_cast<char*>(body.data()), .iov_len = body.size()}}};
  DescriptorRoom<kMostDescriptors> room;
  msghdr header{};
  header.msg_iov = parts.data();
  header.msg_iovlen = parts.size();
  if (descriptors.size() > kMostDescriptors) {
    return fail({.code = ErrorCode::kUsage, .message = "too many files for one run"});
  }
  attach_descriptors(header, room.bytes, descriptors);
  const int flags = MSG_NOSIGNAL | (blocking == Blocking::kDontWait ? MSG_DONTWAIT : 0);
  ssize_t n = 0;
  do {
    n = blocking == Blocking::kWait ? send_when_few_in_flight(socket, header, flags)
                                    : ::sendmsg(socket, &header, flags);
  } while (n < 0 && errno == EINTR);
  if (n >= 0) return {};
  if (errno == EPIPE || errno == ECONNRESET) {
    return fail({.code = ErrorCode::kCancelled, .message = "the other end is gone"});
  }
  return fail(errno_error("sendmsg", errno));
}

Result<Message> receive(int socket, Blocking blocking) {
  Message message;
  const int flags = MSG_CMSG_CLOEXEC | (blocking == Blocking::kDontWait ? MSG_DONTWAIT : 0);
  // Its length first: a buffer for the largest message costs more than the extra call.
  ssize_t length = 0;
  do {
    length = ::recv(socket, nullptr, 0, flags | MSG_PEEK | MSG_TRUNC);
  } while (length < 0 && errno == EINTR);
  if (length < 0 && errno != ECONNRESET) return fail(errno_error("recv", errno));
  if (length <= 0) return fail({.code = ErrorCode::kCancelled, .message = "the other end is gone"});
  std::string buffer(std::min<std::size_t>(static_cast<std::size_t>(length) - 1, kLargestMessage),
                     '\0');
  std::array<iovec, 2> parts{{{.iov_base = &message.kind, .iov_len = 1},
                              {.iov_base = buffer.data(), .iov_len = buffer.size()}}};
  DescriptorRoom<kMostDescriptors> room;
  msghdr header{};
  header.msg_iov = parts.data();
  header.msg_iovlen = parts.size();
  header.msg_control = room.bytes.data();
  header.msg_controllen = room.bytes.size();
  ssize_t n = 0;
  do {
    n = ::recvmsg(socket, &header, flags);
  } while (n < 0 && errno == EINTR);
  if (n < 0 && errno != ECONNRESET) return fail(errno_error("recvmsg", errno));
  if (n <= 0) return fail({.code = ErrorCode::kCancelled, .message = "the other end is gone"});
  message.descriptors = take_descriptors(header);
  if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
    return fail({.code = ErrorCode::kSandbox, .message = "message too large"});
  }
  buffer.resize(static_cast<std::size_t>(n) - 1);
  message.body = std::move(buffer);
  return message;
}

}  // namespace wire
}  // namespace sandpit
