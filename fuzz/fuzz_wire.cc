// Messages between the library and its launcher: whatever was read is written and read back the
// same. The first byte chooses the structure.
#include "fuzz/input.h"
#include "service/wire.h"

namespace sandpit::fuzz {
namespace {

template <class Decode>
void round_trip(std::string_view bytes, Decode decode) {
  const auto value = decode(bytes);
  if (!value) return;
  const std::string written = wire::encode(*value);
  const auto again = decode(written);
  require(again.has_value(), "what was encoded can be decoded");
  require(wire::encode(*again) == written, "decoding and encoding changes nothing");
}

}  // namespace
}  // namespace sandpit::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace wire = sandpit::wire;
  sandpit::fuzz::Input input(data, size);
  switch (input.take() % 4) {
    case 0:
      sandpit::fuzz::round_trip(input.rest(), wire::decode_plan);
      break;
    case 1:
      sandpit::fuzz::round_trip(input.rest(), wire::decode_outcome);
      break;
    case 2:
      sandpit::fuzz::round_trip(input.rest(), wire::decode_facts);
      break;
    default: {
      const sandpit::Error error = wire::decode_error(input.rest());
      (void)error.to_string();
      sandpit::fuzz::round_trip(wire::encode(error), [](std::string_view bytes) {
        return sandpit::Result<sandpit::Error>(wire::decode_error(bytes));
      });
    }
  }
  return 0;
}
