#include "attest/scene.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): POSIX's mkdtemp
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <ios>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace sandpit::attest {
namespace {

constexpr std::string_view kMark = "of the host\n";

bool write_file(const std::string& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  return file.good() && ::chmod(path.c_str(), 0644) == 0;
}

std::string read_file(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

std::string host_name() {
  utsname name{};
  return ::uname(&name) == 0 ? name.nodename : "";
}

// Of a user that every host has.
std::string passwd_line() {
  std::ifstream file("/etc/passwd");
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with("daemon:") || line.starts_with("bin:")) return line;
  }
  return "nobody-is-there";
}

std::string blocks_of_usr() {
  struct statvfs status{};
  return ::statvfs("/usr", &status) == 0 ? std::to_string(status.f_blocks) : "0";
}

std::string leaf_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

void replace_all(std::string& text, std::string_view from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos;
       at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

}  // namespace

Result<Scene> Scene::make() {
  Scene scene;
  std::string name = "/tmp/sandpit-attest-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) return fail(errno_error(name, errno));
  scene.directory_ = name;
  scene.word_ = leaf_of(name) + "-decoy";
  if (::chmod(name.c_str(), 0755) < 0) return fail(errno_error(name, errno));
  if (!write_file(name + "/mark", kMark)) return fail(errno_error(name + "/mark", errno));
  // Without O_CLOEXEC: what a careless runner would hand on.
  scene.inherited_ = UniqueFd(::open(name.c_str(), O_RDONLY | O_DIRECTORY));
  SP_TRY_VOID(scene.start_process());
  SP_TRY_VOID(scene.start_servers());
  return scene;
}

Scene::Scene(Scene&& other) noexcept
    : directory_(std::exchange(other.directory_, {})),
      word_(std::move(other.word_)),
      process_(std::exchange(other.process_, -1)),
      port_(other.port_),
      held_(std::move(other.held_)),
      inherited_(std::move(other.inherited_)),
      serial_(other.serial_) {}

Scene::~Scene() {
  if (process_ > 0) {
    (void)::kill(process_, SIGKILL);
    (void)::waitpid(process_, nullptr, 0);
  }
  std::error_code error;
  if (!directory_.empty()) std::filesystem::remove_all(directory_, error);
}

Result<void> Scene::start_process() {
  const pid_t parent = ::getpid();
  process_ = ::fork();
  if (process_ < 0) return fail(errno_error("fork", errno));
  if (process_ > 0) return {};
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  ::execl("/bin/sleep", word_.c_str(), "1000000", static_cast<char*>(nullptr));
  ::_exit(127);
}

Result<void> Scene::start_servers() {
  UniqueFd server(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  // NOLINTBEGIN(*-reinterpret-cast): sockaddr
  if (::bind(server.get(), reinterpret_cast<sockaddr*>(&address), size) < 0 ||
      ::listen(server.get(), 16) < 0 ||
      ::getsockname(server.get(), reinterpret_cast<sockaddr*>(&address), &size) < 0) {
    return fail(errno_error("a server on the loopback", errno));
  }
  port_ = ntohs(address.sin_port);
  held_.push_back(std::move(server));
  UniqueFd local(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::memcpy(&name.sun_path[1], word_.data(), word_.size());
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + word_.size());
  if (::bind(local.get(), reinterpret_cast<sockaddr*>(&name), length) < 0 ||
      ::listen(local.get(), 16) < 0) {
    return fail(errno_error("an abstract socket", errno));
  }
  // NOLINTEND(*-reinterpret-cast)
  held_.push_back(std::move(local));
  return {};
}

std::string Scene::filled_in(std::string text) const {
  const std::array<std::pair<std::string_view, std::string>, 10> words{
      {{"{mark}", directory_ + "/mark"},
       {"{dir}", directory_},
       {"{leaf}", leaf_of(directory_)},
       {"{pid}", std::to_string(process_)},
       {"{word}", word_},
       {"{port}", std::to_string(port_)},
       {"{abstract}", word_},
       {"{blocks}", blocks_of_usr()},
       {"{host_name}", host_name()},
       {"{passwd_line}", passwd_line()}}};
  for (const auto& [from, to] : words) replace_all(text, from, to);
  return text;
}

Result<std::string> Scene::new_directory(const char* name) {
  std::string path = fmt::format("{}/{}-{}", directory_, name, ++serial_);
  if (::mkdir(path.c_str(), 0755) < 0) return fail(errno_error(path, errno));
  return path;
}

Result<std::string> Scene::new_grant() {
  SP_TRY(std::string path, new_directory("grant"));
  if (!write_file(path + "/file", kMark)) return fail(errno_error(path, errno));
  return path;
}

Result<std::string> Scene::new_outside() { return new_directory("outside"); }

Result<void> Scene::renew() {
  if (process_ > 0) {
    (void)::kill(process_, SIGKILL);
    (void)::waitpid(process_, nullptr, 0);
  }
  process_ = -1;
  if (!write_file(directory_ + "/mark", kMark)) return fail(errno_error(directory_, errno));
  return start_process();
}

std::string Scene::harm() {
  if (::waitpid(process_, nullptr, WNOHANG) != 0) {
    process_ = -1;
    // The next attacks need one.
    return start_process() ? "it killed a process of the host"
                           : "it killed a process of the host, and there is no new one";
  }
  const std::string mark = directory_ + "/mark";
  if (read_file(mark) == kMark) return {};
  (void)::unlink(mark.c_str());
  return write_file(mark, kMark) ? "it changed a file of the host"
                                 : "it changed a file of the host, which can't be mended";
}

}  // namespace sandpit::attest
