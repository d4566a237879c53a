#include "sys/cgroup_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sandpit::sys {
namespace {

struct CgroupMount {
  bool v2 = false;
  std::string root;
  std::string point;
  std::string_view options;  // of the superblock: v1 lists its controllers there
};

bool has_item(std::string_view list, std::string_view item) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    if (list.substr(0, comma) == item) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
  return false;
}

// 32 31 0:29 /root /point rw,relatime shared:1 - cgroup cgroup rw,cpu
std::optional<CgroupMount> parse_mount(std::string_view line) {
  const auto dash = line.find(" - ");
  if (dash == std::string_view::npos) return std::nullopt;
  const std::string_view tail = line.substr(dash + 3);
  const std::string_view type = field_of(tail, 0);
  if (type != "cgroup" && type != "cgroup2") return std::nullopt;
  return CgroupMount{.v2 = type == "cgroup2",
                     .root = unescape_octal(field_of(line, 3)),
                     .point = unescape_octal(field_of(line, 4)),
                     .options = field_of(tail, 2)};
}

// The group `path` below a mount whose root is the group `root`; empty when the mount does not show
// it. Both are relative to the cgroup namespace's root: "/.." leads out of it, and what a directory
// above is called can't be known from here.
std::optional<std::string> path_in_mount(std::string_view path, std::string_view root) {
  if (path.starts_with("/..") || root.starts_with("/..")) {
    return path == root ? std::optional<std::string>("") : std::nullopt;
  }
  if (root == "/") return path == "/" ? "" : std::string(path);
  if (path == root) return "";
  if (path.starts_with(root) && path[root.size()] == '/')
    return std::string(path.substr(root.size()));
  return std::nullopt;
}

struct SelfGroup {
  std::string_view controllers;
  std::string path;
};

CgroupPlace place_of(const SelfGroup& group, CgroupVersion version, std::string_view controller,
                     const std::vector<CgroupMount>& mounts) {
  CgroupPlace place{.version = version, .candidates = {}, .reason = {}};
  bool mounted = false;
  // Later lines of mountinfo are later mounts: they hide earlier ones at the same point.
  for (const CgroupMount& mount : mounts | std::views::reverse) {
    if (mount.v2 != (version == CgroupVersion::kV2)) continue;
    if (!mount.v2 && !has_item(mount.options, controller)) continue;
    mounted = true;
    if (auto below = path_in_mount(group.path, mount.root)) {
      place.candidates.push_back({.mount_point = mount.point, .directory = mount.point + *below});
    }
  }
  if (!place.candidates.empty()) return place;
  const std::string what = version == CgroupVersion::kV2
                               ? std::string("the cgroup v2 hierarchy")
                               : fmt::format("the cgroup v1 controller {}", controller);
  place.reason = mounted
                     ? fmt::format("this process's group {} is outside of what is mounted of {}",
                                   group.path, what)
                     : fmt::format("{} is not mounted here", what);
  return place;
}

}  // namespace

std::string unescape_octal(std::string_view text) {
  const auto is_octal = [](char c) { return c >= '0' && c <= '7'; };
  std::string plain;
  plain.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && is_octal(text[i + 1]) && is_octal(text[i + 2]) &&
        is_octal(text[i + 3])) {
      plain.push_back(static_cast<char>(((text[i + 1] - '0') << 6) | ((text[i + 2] - '0') << 3) |
                                        (text[i + 3] - '0')));
      i += 3;
    } else {
      plain.push_back(text[i]);
    }
  }
  return plain;
}

std::string_view field_of(std::string_view line, unsigned index) {
  for (; index > 0; --index) {
    const auto space = line.find(' ');
    if (space == std::string_view::npos) return {};
    line.remove_prefix(space + 1);
  }
  return line.substr(0, line.find(' '));
}

CgroupLayout parse_cgroup_layout(std::string_view self_cgroup, std::string_view mountinfo) {
  std::vector<CgroupMount> mounts;
  for_each_line(mountinfo, [&](std::string_view line) {
    if (auto mount = parse_mount(line)) mounts.push_back(std::move(*mount));
  });

  // ID:controllers:path, the path may hold colons. The v2 hierarchy is "0::path".
  std::vector<SelfGroup> v1;
  std::optional<SelfGroup> v2;
  for_each_line(self_cgroup, [&](std::string_view line) {
    const auto first = line.find(':');
    const auto second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) return;
    SelfGroup group{.controllers = line.substr(first + 1, second - first - 1),
                    .path = std::string(line.substr(second + 1))};
    // proc(5): a group that was removed while this process is in it.
    if (group.path.ends_with(" (deleted)")) group.path.resize(group.path.size() - 10);
    if (line.starts_with("0::")) {
      v2 = std::move(group);
    } else {
      v1.push_back(std::move(group));
    }
  });

  CgroupLayout layout;
  if (v2) {
    layout.unified = place_of(*v2, CgroupVersion::kV2, {}, mounts);
  } else {
    layout.unified.reason = "this kernel has no cgroup v2 hierarchy";
  }
  const auto locate = [&](std::string_view controller) {
    const auto in_v1 = std::ranges::find_if(
        v1, [&](const SelfGroup& group) { return has_item(group.controllers, controller); });
    return in_v1 == v1.end() ? layout.unified
                             : place_of(*in_v1, CgroupVersion::kV1, controller, mounts);
  };
  layout.memory = locate("memory");
  layout.pids = locate("pids");
  layout.cpu = locate("cpuacct");
  return layout;
}

}  // namespace sandpit::sys
