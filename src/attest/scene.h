// What the attacks are after: a host in small. Files, a process, servers and a descriptor that an
// attack would find if it got out, each made for this and worth nothing. Gone with its destructor.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace sandpit::attest {

class Scene {
 public:
  [[nodiscard]] static Result<Scene> make();
  Scene(Scene&& other) noexcept;
  Scene& operator=(Scene&&) = delete;
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;
  ~Scene();

  // An argument of the catalogue: {mark} a file, {dir} its directory, {pid} a process, {word} on
  // its command line, {port} a server on the loopback, {abstract} a socket's name, {blocks} the
  // size of the disk below /usr, {host_name}, {passwd_line}, {leaf} the last name of {dir}.
  [[nodiscard]] std::string filled_in(std::string text) const;
  // A new directory with a file in it, to be granted.
  [[nodiscard]] Result<std::string> new_grant();
  // Where an attack may work that is tried outside of the jail.
  [[nodiscard]] Result<std::string> new_outside();
  // What of it was touched since the last call, which is mended then; empty: nothing.
  [[nodiscard]] std::string harm();
  // After an attack that was let loose on it: everything is as it was, and a signal that is still
  // on its way meets nobody.
  [[nodiscard]] Result<void> renew();

 private:
  Scene() = default;
  [[nodiscard]] Result<void> start_process();
  [[nodiscard]] Result<void> start_servers();
  [[nodiscard]] Result<std::string> new_directory(const char* name);

  std::string directory_;
  std::string word_;
  pid_t process_ = -1;
  int port_ = 0;
  std::vector<UniqueFd> held_;
  UniqueFd inherited_;
  unsigned serial_ = 0;
};

}  // namespace sandpit::attest
