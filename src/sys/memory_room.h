// How much memory this host could still give to runs.
#pragma once

#include <string>

#include "base/result.h"
#include "sandpit/units.h"
#include "sys/host_facts.h"

namespace sandpit::sys {

// The smallest of: what /proc/meminfo calls available, and for the group that runs are made in and
// each one above it its limit less what it holds (page cache that can be dropped does not count).
// Error kSystem when /proc/meminfo can't be read.
[[nodiscard]] Result<ByteCount> memory_room(const ControllerFacts& memory);

// The pieces, for tests. MemAvailable, from the text of /proc/meminfo.
[[nodiscard]] Result<ByteCount> available_memory(const std::string& meminfo);
// Of one group's directory; what has no limit, or is no group, gives all there is.
[[nodiscard]] ByteCount group_room(const std::string& directory, CgroupVersion version);

}  // namespace sandpit::sys
