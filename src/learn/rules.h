// What a learner may grant by itself. A program that is being learned is not trusted: it asks for
// what it likes, and it runs with what it was given before anybody has reviewed it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "learn/need.h"

namespace sandpit::learn {

struct Rules {
  std::string here;   // reading below it is granted unasked; empty: nowhere
  std::string home;   // of who asks
  bool read = false;  // reading anywhere else
  bool write = false;
  bool net = false;
  bool syscalls = false;
  bool unasked = true;  // a loopback, and limits up to a bound
  std::uint64_t most_memory_mib = 2048;
};

// "read,write,net,syscalls": besides what is granted unasked. "none": not even that.
[[nodiscard]] Result<void> set_allowed(std::string_view words, Rules& rules);

// Why it is not granted; empty: it is. Looks at files of this host.
[[nodiscard]] std::string why_refused(const Need& need, const Rules& rules);

// Why nobody's program should see it: keys, passwords, what is private in a home directory; empty
// when nothing is known against it. `path`: of the host, without links.
[[nodiscard]] std::string why_sensitive(const std::string& path, const std::string& home);

}  // namespace sandpit::learn
