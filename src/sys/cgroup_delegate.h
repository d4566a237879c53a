// How delegate_by_systemd() (sys/cgroup.h) asks: split so that tests can stand in for busctl. Only
// sys/ and service/doctor.cc use it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sandpit/units.h"

namespace sandpit::sys {

enum class SystemdBus : std::uint8_t { kUser, kSystem };

// The first of `directories` that holds an executable busctl; empty when none does.
[[nodiscard]] std::string find_busctl(std::span<const std::string_view> directories);

[[nodiscard]] std::vector<std::string> delegation_command(const std::string& busctl, SystemdBus bus,
                                                          const std::string& scope, pid_t pid);

// Runs it and waits until /proc/self/cgroup names the scope. delegate_by_systemd() is this with
// /usr/bin and /bin.
[[nodiscard]] Result<void> delegate_with(std::span<const std::string_view> directories,
                                         Milliseconds timeout);

}  // namespace sandpit::sys
