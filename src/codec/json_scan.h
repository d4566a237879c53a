// JSON text looked at before anything is built from it: is it one whole value, where does it break,
// which key is there twice. Private to codec/.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace sandpit::codec {

struct JsonScan {
  std::string id;  // the root object's member "id" as JSON text: 17, "a"; empty: none there
  bool is_object = false;
  bool has_status = false;  // the root object has a member "status"
  std::string duplicate;    // the path of the first key that is there twice: "limits.timeout_s"
};

// Error kUsage: not UTF-8, not JSON, more than one value, nested too deeply; `where` is then
// "column N", in bytes from 1.
[[nodiscard]] Result<JsonScan> scan_json(std::string_view text);

}  // namespace sandpit::codec
