#include "runtime/settings_for.h"

#include <string>
#include <string_view>

#include "sandpit/config.h"

namespace sandpit {

const RuntimeSettings& settings_for(const Settings& settings, std::string_view runtime) {
  static const RuntimeSettings kNone;
  const auto found = settings.runtimes.find(std::string(runtime));
  return found == settings.runtimes.end() ? kNone : found->second;
}

}  // namespace sandpit
