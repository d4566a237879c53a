#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "engine/jail/child.h"
#include "engine/jail/child_launch.h"
#include "plan/plan.h"
#include "sys/raw.h"

namespace sandpit::jail {
namespace {

namespace raw = sys::raw;

constexpr std::size_t kMaxMounts = 256;

// mkdir -p of the parents of a relative path, then nothing for the last component.
int make_parents(int root, const char* path) {
  char part[4096];
  for (std::size_t i = 0; path[i] != '\0'; ++i) {
    if (i >= sizeof part - 1) {
      errno = ENAMETOOLONG;
      return -1;
    }
    if (path[i] == '/' && i > 0) {
      part[i] = '\0';
      if (::mkdirat(root, part, 0755) < 0 && errno != EEXIST) return -1;
    }
    part[i] = path[i];
  }
  return 0;
}

int make_directory(int root, const char* path, mode_t mode) {
  if (make_parents(root, path) < 0) return -1;
  return ::mkdirat(root, path, mode) < 0 && errno != EEXIST ? -1 : 0;
}

int make_file(int root, const ChildMount& mount) {
  if (make_parents(root, mount.target) < 0) return -1;
  const int fd =
      ::openat(root, mount.target, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, mount.mode);
  if (fd < 0) return -1;
  std::size_t done = 0;
  while (done < mount.content_size) {
    const ssize_t n = ::write(fd, mount.content + done, mount.content_size - done);
    if (n < 0) return -1;
    done += static_cast<std::size_t>(n);
  }
  return ::close(fd);
}

bool is_bind(const ChildMount& mount) {
  return mount.kind == MountKind::kBind || mount.kind == MountKind::kDevice;
}

// An existing one is fine even where the root is read-only already: EEXIST comes before EROFS.
int make_mount_point(int root, const ChildMount& mount) {
  const bool directory = mount.kind == MountKind::kVolume || mount.kind == MountKind::kProc ||
                         (mount.flags & kMountIsDirectory) != 0;
  if (directory) return make_directory(root, mount.target, 0755);
  if (make_parents(root, mount.target) < 0) return -1;
  return ::mknodat(root, mount.target, S_IFREG | 0644, 0) < 0 && errno != EEXIST ? -1 : 0;
}

int attach(int tree, int root, const char* target) {
  const int result = raw::move_mount(tree, root, target);
  const int saved = errno;
  ::close(tree);
  errno = saved;
  return result;
}

// A mount can be cloned from only while it is part of our mount namespace (kernels before 6.15), so
// the volume and the new root are attached somewhere in the old root for the time being; the pivot
// takes the one away and the detach the other. In a ready-made tree the volume stays, out of reach
// beneath its own part that is mounted on /tmp.
void attach_in_old_root(Launch& launch, int tree) {
  for (const char* place : {"/tmp", "/mnt", "/"}) {
    if (raw::move_mount(tree, AT_FDCWD, place) == 0) return;
    if (errno != ENOENT && errno != ENOTDIR && errno != EACCES) break;
  }
  launch.fail(errno);
}

int make_volume(Launch& launch, const ChildSpec& spec) {
  launch.begin(LaunchStep::kVolume);
  const int fs = static_cast<int>(launch.need(raw::fsopen("tmpfs")));
  launch.need(raw::fsconfig_string(fs, "size", spec.volume_size));
  launch.need(raw::fsconfig_string(fs, "nr_inodes", spec.volume_inodes));
  launch.need(raw::fsconfig_string(fs, "mode", "0755"));
  launch.need(raw::fsconfig_create(fs));
  const int volume =
      static_cast<int>(launch.need(raw::fsmount(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)));
  ::close(fs);
  launch.need(::mkdirat(volume, "work", 0755));
  launch.need(::mkdirat(volume, "tmp", 01777));
  launch.need(::mkdirat(volume, "shm", 01777));
  return volume;
}

void send_volume(Launch& launch, const ChildSpec& spec, int volume, bool proc_missing) {
  launch.begin(LaunchStep::kVolume);
  launch.need(send_with_descriptor(
      spec.socket, {.kind = MessageKind::kVolume, .proc_missing = proc_missing ? 1 : 0}, volume));
}

// Returns false when there is no fresh procfs to be had and the policy accepts that.
bool mount_proc(Launch& launch, const ChildSpec& spec, int root, const ChildMount& mount) {
  launch.begin(LaunchStep::kProc);
  const int fs = static_cast<int>(launch.need(raw::fsopen("proc")));
  // subset=pid leaves the per-process part only: no host-wide file has to be masked one by one
  // (kernel 5.8).
  launch.need(raw::fsconfig_string(fs, "hidepid", "invisible"));
  launch.need(raw::fsconfig_string(fs, "subset", "pid"));
  int proc = -1;
  if (raw::fsconfig_create(fs) == 0) {
    proc = raw::fsmount(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
  }
  // EPERM: the host's own /proc has something mounted over it (mount_too_revealing in
  // fs/namespace.c).
  if (proc < 0 && errno == EPERM && spec.allow_missing_proc) {
    ::close(fs);
    return false;
  }
  launch.need(proc);
  ::close(fs);
  launch.need(attach(proc, root, mount.target));
  return true;
}

void mount_volume_part(Launch& launch, int volume, int root, const ChildMount& mount) {
  const int part = static_cast<int>(
      launch.need(raw::open_tree(volume, mount.source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)));
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
  if ((mount.flags & kMountNoExec) != 0) attributes.attr_set |= MOUNT_ATTR_NOEXEC;
  launch.need(raw::mount_setattr(part, "", AT_EMPTY_PATH, attributes));
  launch.need(attach(part, root, mount.target));
}

// What belongs to this run alone, on top of the shared part.
bool mount_per_run(Launch& launch, const ChildSpec& spec, int root, int volume, const int* trees) {
  bool proc_missing = false;
  for (std::size_t i = 0; i < spec.mounts.size; ++i) {
    const ChildMount& mount = spec.mounts.data[i];
    if (!is_per_run(mount)) continue;
    launch.begin(LaunchStep::kMount, static_cast<int>(i));
    // Again, since it may lie inside the volume that was mounted a moment ago.
    launch.need(make_mount_point(root, mount));
    if (mount.kind == MountKind::kBind) launch.need(attach(trees[i], root, mount.target));
    if (mount.kind == MountKind::kVolume) mount_volume_part(launch, volume, root, mount);
    if (mount.kind == MountKind::kProc) proc_missing = !mount_proc(launch, spec, root, mount);
  }
  return proc_missing;
}

// One may be there from the start (once_plan()).
void make_input_directory(Launch& launch, int work, const ChildInput& input) {
  if (::mkdirat(work, input.name, input.mode) == 0) return;
  if (errno != EEXIST) launch.fail(errno);
  launch.need(::fchmodat(work, input.name, input.mode, 0));
}

}  // namespace

void copy_inputs(Launch& launch, ChildArray<ChildInput> inputs, int volume, const char* path) {
  int index = 0;
  for (const ChildInput& input : inputs) {
    launch.begin(LaunchStep::kInput, index++);
    if (input.number != 0) continue;
    const int work =
        static_cast<int>(launch.need(::openat(volume, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)));
    if (input.directory) {
      make_input_directory(launch, work, input);
      ::close(work);
      continue;
    }
    const int out = static_cast<int>(launch.need(::openat(
        work, input.name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, input.mode)));
    auto offset = static_cast<off_t>(input.offset);
    const std::uint64_t end = input.offset + input.size;
    while (static_cast<std::uint64_t>(offset) < end) {
      const std::size_t rest = end - static_cast<std::uint64_t>(offset);
      const ssize_t n = ::sendfile(out, input.descriptor, &offset, rest);
      if (n < 0 && errno != EINTR) launch.fail(errno);
      if (n == 0) break;  // the file was truncated meanwhile: what is left of it is the program
    }
    ::close(out);
    ::close(work);
  }
}

int build_tree(Launch& launch, const ChildSpec& spec) {
  // Sources are opened before anything hides them.
  int trees[kMaxMounts] = {};
  launch.begin(LaunchStep::kMount, -1);
  if (spec.mounts.size > kMaxMounts) launch.fail(E2BIG);
  for (std::size_t i = 0; i < spec.mounts.size; ++i) {
    const ChildMount& mount = spec.mounts.data[i];
    trees[i] = mount.tree;
    const bool wanted = is_bind(mount) && (!spec.in_ready_tree || is_per_run(mount));
    if (!wanted || mount.tree >= 0) continue;
    launch.begin(LaunchStep::kMount, static_cast<int>(i));
    trees[i] = static_cast<int>(launch.need(open_bind_tree(mount)));
  }
  const int volume = make_volume(launch, spec);
  attach_in_old_root(launch, volume);
  launch.begin(LaunchStep::kRootFs);
  const int root = static_cast<int>(launch.need(
      spec.in_ready_tree ? ::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC) : make_root_tmpfs()));
  if (!spec.in_ready_tree) {
    attach_in_old_root(launch, root);
    const TreeFailure failure = build_shared_tree(root, spec.mounts, trees);
    if (failure.step != LaunchStep::kNone) launch.fail(failure);
    launch.begin(LaunchStep::kReadOnlyRoot);
    launch.need(make_read_only(root));
  }
  const bool proc_missing = mount_per_run(launch, spec, root, volume, trees);
  send_volume(launch, spec, volume, proc_missing);
  if (spec.in_ready_tree) {
    ::close(root);
    return volume;
  }
  launch.begin(LaunchStep::kPivot);
  launch.need(::fchdir(root));
  ::close(root);
  // pivot_root(".", ".") stacks the old root on the new one's "/", from where it is detached
  // (pivot_root(2), NOTES).
  launch.need(raw::pivot_root(".", "."));
  launch.begin(LaunchStep::kDetachOldRoot);
  launch.need(raw::umount2(".", raw::kUmountDetach));
  launch.need(::chdir("/"));
  return volume;
}

void build_root(Launch& launch, const ChildSpec& spec) {
  const int volume = build_tree(launch, spec);
  copy_inputs(launch, spec.inputs, volume, "work");
  ::close(volume);
}

int open_bind_tree(const ChildMount& mount) {
  // Always recursive: cloning a mount without the locked mounts below it is EINVAL
  // (mount_namespaces(7)).
  const int tree = raw::open_tree(AT_FDCWD, mount.source,
                                  OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | raw::kAtRecursive);
  if (tree < 0) return -1;
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_NOSUID;
  if (mount.kind == MountKind::kDevice) {
    // Read-only concerns the inode (its times, its mode), not what is written to the device.
    attributes.attr_set |= MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY;
  } else {
    attributes.attr_set |= MOUNT_ATTR_NODEV;
  }
  if ((mount.flags & kMountReadOnly) != 0) attributes.attr_set |= MOUNT_ATTR_RDONLY;
  if ((mount.flags & kMountNoExec) != 0) attributes.attr_set |= MOUNT_ATTR_NOEXEC;
  if (raw::mount_setattr(tree, "", AT_EMPTY_PATH | raw::kAtRecursive, attributes) < 0) {
    const int saved = errno;
    ::close(tree);
    errno = saved;
    return -1;
  }
  return tree;
}

int make_root_tmpfs() {
  const int fs = raw::fsopen("tmpfs");
  if (fs < 0) return -1;
  int root = -1;
  if (raw::fsconfig_string(fs, "size", "1m") == 0 &&
      raw::fsconfig_string(fs, "mode", "0755") == 0 &&
      raw::fsconfig_string(fs, "nr_inodes", "4096") == 0 && raw::fsconfig_create(fs) == 0) {
    root = raw::fsmount(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
  }
  const int saved = errno;
  ::close(fs);
  errno = saved;
  return root;
}

TreeFailure build_shared_tree(int root, ChildArray<ChildMount> mounts, const int* trees) {
  for (std::size_t i = 0; i < mounts.size; ++i) {
    const ChildMount& mount = mounts.data[i];
    int result = 0;
    if (mount.kind == MountKind::kDirectory) {
      result = make_directory(root, mount.target, mount.mode);
    } else if (mount.kind == MountKind::kFile) {
      result = make_file(root, mount);
    } else if (mount.kind == MountKind::kSymlink) {
      result = make_parents(root, mount.target);
      if (result == 0) result = ::symlinkat(mount.source, root, mount.target);
    } else {
      result = make_mount_point(root, mount);
      if (result == 0 && is_bind(mount) && !is_per_run(mount)) {
        const int tree = trees != nullptr ? trees[i] : open_bind_tree(mount);
        result = tree < 0 ? -1 : attach(tree, root, mount.target);
      }
    }
    if (result < 0) {
      return {.step = LaunchStep::kMount, .errno_value = errno, .detail = static_cast<int>(i)};
    }
  }
  return {};
}

int make_read_only(int root) {
  mount_attr read_only{};
  read_only.attr_set = MOUNT_ATTR_RDONLY;
  return raw::mount_setattr(root, "", AT_EMPTY_PATH, read_only);
}

}  // namespace sandpit::jail
