// The tests behind service/doctor.cc: each forks, tries, and answers 0 or the errno of what failed.
#pragma once

#include <string>

namespace sandpit::doctor {

// A user namespace with this user's ids mapped and its capabilities usable (on Ubuntu 24.04 it can
// be made, but has none).
[[nodiscard]] int try_user_namespace();
// CLONE_NEW* besides a user namespace.
[[nodiscard]] int try_namespace(int flag);
[[nodiscard]] int try_fresh_proc();
[[nodiscard]] int try_open_tree();
[[nodiscard]] int try_mount_setattr();
[[nodiscard]] int try_idmapped_mount(const std::string& path);
[[nodiscard]] int try_seccomp_filter();
[[nodiscard]] int try_seccomp_notification();
[[nodiscard]] int try_clone_into_cgroup();
[[nodiscard]] int try_landlock();

}  // namespace sandpit::doctor
