// Filters whose denials are heard of: seccomp_unotify(2), Linux 5.0. A row with the action `notify`
// is compiled to SECCOMP_RET_USER_NOTIF with the errno in its data. The kernel looks at neither;
// who holds the listener evaluates the same program for the same call, and answers with that errno.
// So the policy is one program, whoever gives the answer, and no answer to a denial is ever to go
// on. A row with the action `observe` allows its call, and so does what a trace of file accesses
// makes of a row that allows: of these the holder only hears.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace sandpit::sys {

// Linux 5.19: once a notification was received, only what kills the caller interrupts its wait, so
// that a program full of signals (timers of profilers, garbage collectors) tells each denial once.
inline constexpr unsigned kWaitKillable = 1U << 5U;  // SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV

[[nodiscard]] inline bool is_notification(const sock_filter& op) {
  return op.code == (BPF_RET | BPF_K) &&
         (op.k & SECCOMP_RET_ACTION_FULL) == static_cast<std::uint32_t>(SECCOMP_RET_USER_NOTIF);
}

// The data of an observation: no errno.
inline constexpr std::uint32_t kObserved = SECCOMP_RET_DATA;
[[nodiscard]] inline bool is_observation(const sock_filter& op) {
  return is_notification(op) && (op.k & SECCOMP_RET_DATA) == kObserved;
}

// The same for a call that names a file, in a run that is traced.
inline constexpr std::uint32_t kTraced = SECCOMP_RET_DATA - 1;
[[nodiscard]] inline bool is_trace(const sock_filter& op) {
  return is_notification(op) && (op.k & SECCOMP_RET_DATA) == kTraced;
}

// Makes observed calls simply allowed ones.
inline void stop_observing(sock_filter* program, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    if (is_observation(program[i])) program[i].k = SECCOMP_RET_ALLOW;
  }
}

// Makes each notification a plain errno, the same one, or nothing: for a filter without a listener,
// where the kernel would answer all of them with ENOSYS. Async-signal-safe.
inline void silence(sock_filter* program, std::size_t size) {
  stop_observing(program, size);
  for (std::size_t i = 0; i < size; ++i) {
    if (is_trace(program[i])) program[i].k = SECCOMP_RET_ALLOW;
    if (!is_notification(program[i])) continue;
    program[i].k = SECCOMP_RET_ERRNO | (program[i].k & SECCOMP_RET_DATA);
  }
}

[[nodiscard]] bool has_notifications(std::span<const sock_filter> program);

// Does the filter let this call through, its arguments all zero?
[[nodiscard]] bool allows(std::span<const sock_filter> program, int number);

// May init send its listener away once this filter is on? Else nobody could ever answer.
[[nodiscard]] bool can_send_listener(std::span<const sock_filter> program);

}  // namespace sandpit::sys
