// Looking into another process: its memory and its sockets, as far as this process may (ptrace(2),
// "access mode checking"). What is read is the other process's word: it may be changed while it is
// read, and the process may be another one by then. The caller bounds it, and checks afterwards
// whose word it was (SECCOMP_IOCTL_NOTIF_ID_VALID).
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace sandpit::sys {

// At most `most` bytes (up to a page), fewer where the memory ends. `thread`: any of its threads.
[[nodiscard]] std::string read_memory(pid_t thread, std::uint64_t address, std::size_t most);

// "TCP", "UDPv6", "UNIX": the kernel's name for the protocol of its socket; empty when the
// descriptor is none, or can't be looked at. Not by pidfd_getfd(2): to close a copy may block, for
// as long as the other process likes (SO_LINGER), when it was the last one.
[[nodiscard]] std::string socket_protocol(pid_t thread, int descriptor);

}  // namespace sandpit::sys
