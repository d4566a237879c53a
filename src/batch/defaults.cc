#include "batch/defaults.h"

#include <algorithm>

#include "sandpit/limits.h"
#include "sandpit/request.h"
#include "sandpit/units.h"

namespace sandpit::batch {

LimitOverrides merge(const LimitOverrides& defaults, const LimitOverrides& own) {
  LimitOverrides merged = own;
  const auto inherit = [&](auto LimitOverrides::* member) {
    if (!(merged.*member)) merged.*member = defaults.*member;
  };
  inherit(&LimitOverrides::memory);
  inherit(&LimitOverrides::cpu_time);
  inherit(&LimitOverrides::wall_time);
  inherit(&LimitOverrides::processes);
  inherit(&LimitOverrides::file_size);
  inherit(&LimitOverrides::open_files);
  inherit(&LimitOverrides::disk);
  inherit(&LimitOverrides::inodes);
  inherit(&LimitOverrides::output);
  inherit(&LimitOverrides::stack);
  inherit(&LimitOverrides::compile_time);
  inherit(&LimitOverrides::compile_memory);
  inherit(&LimitOverrides::compile_file_size);
  // Within one layer a contradiction is a mistake, which the run will name.
  const bool two_times = own.cpu_time.has_value() != own.wall_time.has_value();
  if (two_times && merged.cpu_time && merged.wall_time) {
    merged.cpu_time = std::min(*merged.cpu_time, *merged.wall_time);
  }
  const bool two_sizes = own.disk.has_value() != own.memory.has_value();
  if (two_sizes && merged.disk && merged.memory && *merged.disk > *merged.memory) {
    // Not all of it: files that fill the memory leave the program none.
    merged.disk = ByteCount::bytes(merged.memory->count() / 2);
  }
  return merged;
}

void apply_defaults(Request& request, const Request& defaults) {
  request.limits = merge(defaults.limits, request.limits);
  if (request.runtime.empty()) request.runtime = defaults.runtime;
  request.paths = defaults.paths;
  request.env = defaults.env;
  request.network = defaults.network;
  request.hosts = defaults.hosts;
  request.lint = defaults.lint;
  request.cold = defaults.cold;
}

}  // namespace sandpit::batch
