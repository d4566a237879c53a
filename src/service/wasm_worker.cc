#include "service/wasm_worker.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/binary.h"
#include "base/descriptors.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "engine/wasm/job.h"
#include "plan/plan.h"
#include "sandpit/error.h"
#include "sandpit/outcome.h"
#include "sandpit/units.h"
#include "service/launcher_client.h"
#include "service/wire.h"

namespace sandpit {
namespace {

// A report of at most 64 KiB and output of at most kLargestInline, with their lengths.
constexpr std::size_t kLargestMessage = 160U << 10U;

Result<void> send_message(int socket, const std::string& body,
                          const std::vector<int>& descriptors) {
  constexpr std::size_t kMost = 4;
  // NOLINTNEXTLINE(*-const-cast): iovec serves both directions
  iovec part{.iov_base = const_cast<char*>(body.data()), .iov_len = body.size()};
  DescriptorRoom<kMost> room;
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  attach_descriptors(header, room.bytes, descriptors);
  ssize_t n = 0;
  do {
    n = ::sendmsg(socket, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (n < 0 && errno == EINTR);
  if (n < 0) return fail(errno_error("sendmsg", errno, ErrorCode::kCancelled));
  return {};
}

// Until `events`, at most until the deadline; false when that has come.
bool wait_for(int socket, short events, std::chrono::steady_clock::time_point deadline) {
  constexpr std::chrono::milliseconds kLongest{3'600'000};
  for (;;) {
    const auto rest =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd ready{.fd = socket, .events = events, .revents = 0};
    const auto pause = std::clamp(rest, std::chrono::milliseconds(0), kLongest);
    const int count = ::poll(&ready, 1, static_cast<int>(pause.count()));
    if (count > 0) return true;
    if (count == 0 && rest <= kLongest) return false;
  }
}

// The worker may have been taken over: at most one descriptor is kept, and never more than fits.
ssize_t receive_message(int socket, std::string& buffer, UniqueFd& memory) {
  iovec part{.iov_base = buffer.data(), .iov_len = buffer.size()};
  DescriptorRoom<1> room;
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = room.bytes.data();
  header.msg_controllen = room.bytes.size();
  const ssize_t n = ::recvmsg(socket, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (n <= 0) return n;
  for (UniqueFd& fd : take_descriptors(header)) memory = std::move(fd);
  return (header.msg_flags & MSG_TRUNC) != 0 ? 0 : n;
}

}  // namespace

Result<std::unique_ptr<WasmWorker>> WasmWorker::start(LauncherClient& launcher, const Plan& plan) {
  auto worker = std::unique_ptr<WasmWorker>(new WasmWorker());
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) < 0) {
    return fail(errno_error("socketpair", errno));
  }
  worker->socket_ = UniqueFd(ends[0]);
  const UniqueFd theirs(ends[1]);
  worker->buffer_.resize(kLargestMessage);
  SP_TRY(worker->channel_, launcher.take_channel());
  worker->granted_cpu_ = plan.limits.cpu_time;
  SP_TRY(const wire::StartMessage message, wire::start_message(plan, 0));
  std::vector<int> descriptors{theirs.get()};
  if (message.plan.valid()) descriptors.insert(descriptors.begin(), message.plan.get());
  SP_TRY_VOID(wire::send(worker->channel_.get(), wire::Kind::kStart, message.body,
                         std::move(descriptors), wire::Blocking::kWait));
  return worker;
}

WasmWorker::Reply WasmWorker::ask(const wasm::ServeRequest& request,
                                  const std::vector<int>& descriptors,
                                  std::chrono::steady_clock::time_point deadline) {
  ++runs_;
  Reply reply;
  binary::Writer writer;
  writer(request);
  // A worker that does not read must not hold us up: one request never fills the socket.
  const auto sent = send_message(socket_.get(), std::move(writer).take(), descriptors);
  if (!sent) {
    if (sent.error().errno_value == EAGAIN) reply.answer = Answer::kTimedOut;
    return reply;
  }
  for (;;) {
    if (!wait_for(socket_.get(), POLLIN, deadline)) {
      reply.answer = Answer::kTimedOut;
      return reply;
    }
    const ssize_t n = receive_message(socket_.get(), buffer_, reply.memory);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n <= 0) return reply;
    binary::Reader reader(std::string_view(buffer_).substr(0, static_cast<std::size_t>(n)));
    reader(reply.response);
    if (reader.finished() && reply.response.serial == request.serial) {
      reply.answer = Answer::kDone;
    }
    return reply;
  }
}

bool WasmWorker::is_quiet() const {
  pollfd ready{.fd = socket_.get(), .events = POLLIN, .revents = 0};
  return ::poll(&ready, 1, 0) == 0;
}

void WasmWorker::used_cpu(Microseconds wall, Milliseconds each) {
  // Compilation uses two threads (RAYON_NUM_THREADS), a run one.
  constexpr int kThreads = 2;
  used_cpu_ += kThreads * wall;
  if (granted_cpu_ - used_cpu_ > kThreads * each) return;
  constexpr Milliseconds kPiece{2000};
  granted_cpu_ = std::chrono::duration_cast<Milliseconds>(used_cpu_) + kThreads * each + kPiece;
  binary::Writer writer;
  writer(static_cast<std::int64_t>(granted_cpu_.count()));
  (void)wire::send(channel_.get(), wire::Kind::kGrantCpu, std::move(writer).take(), {},
                   wire::Blocking::kDontWait);
}

Outcome WasmWorker::last_words() {
  // The socket's end was the jail's end, whose reason the launcher is about to tell, or a lie: then
  // the jail is ended now.
  constexpr std::chrono::milliseconds kPatience{100};
  (void)wait_for(channel_.get(), POLLIN, std::chrono::steady_clock::now() + kPatience);
  (void)wire::send(channel_.get(), wire::Kind::kCancel, {}, {}, wire::Blocking::kDontWait);
  for (;;) {
    const auto message = wire::receive(channel_.get(), wire::Blocking::kWait);
    Outcome outcome;
    outcome.status = Status::kSandboxError;
    if (!message) {
      outcome.message = "the launcher has ended";
      return outcome;
    }
    if (message->kind == wire::Kind::kError) {
      outcome.message = wire::decode_error(message->body).to_string();
      return outcome;
    }
    if (message->kind != wire::Kind::kFinished) continue;
    if (auto told = wire::decode_outcome(message->body)) return std::move(*told);
    outcome.message = "malformed outcome";
    return outcome;
  }
}

}  // namespace sandpit
