// The worker's end of the socket of requests: one message and its descriptors at a time.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"

namespace sandpit::wasm {

struct Message {
  std::string_view bytes;  // until the next receive()
  std::vector<UniqueFd> descriptors;
  bool complete = true;  // false: it was longer than any message may be
};

class MessageSocket {
 public:
  explicit MessageSocket(int fd);

  // Nothing at the end: the other side is gone.
  [[nodiscard]] std::optional<Message> receive();
  // `descriptor` may be -1. False when the other side is gone.
  [[nodiscard]] bool send(std::string_view bytes, int descriptor) const;

 private:
  int fd_;
  std::string buffer_;
};

}  // namespace sandpit::wasm
