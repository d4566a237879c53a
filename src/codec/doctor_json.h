// What `sandpit doctor --json` prints. codec/ lies below service/, so cli/ hands it the report in
// words.
#pragma once

#include <span>
#include <string>

namespace sandpit {

struct DoctorRow {
  std::string name;
  std::string state;  // "present", "degraded", "absent"
  std::string detail;
  std::string lost;
  std::string mend;
};

// `obstacle`: why a run in profile production is not possible here; empty when it is.
[[nodiscard]] std::string doctor_to_json(std::span<const DoctorRow> rows,
                                         const std::string& obstacle);

}  // namespace sandpit
