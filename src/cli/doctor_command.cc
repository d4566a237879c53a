// `sandpit doctor`: what this host offers, and whether a run in profile production is possible on
// it.
#include <fmt/format.h>
#include <unistd.h>

#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/utf8.h"
#include "cli/commands.h"
#include "cli/small_options.h"
#include "cli/table.h"
#include "codec/doctor_json.h"
#include "sandpit/config.h"
#include "sandpit/error.h"
#include "sandpit/outcome.h"
#include "sandpit/request.h"
#include "sandpit/runtime.h"
#include "service/doctor.h"
#include "service/one_shot.h"
#include "service/pipeline.h"

namespace sandpit::cli {
namespace {

Colouring colouring_of(DoctorState state) {
  switch (state) {
    case DoctorState::kPresent:
      return Colouring::kGood;
    case DoctorState::kDegraded:
      return Colouring::kPoor;
    case DoctorState::kAbsent:
      return Colouring::kBad;
  }
  return Colouring::kPlain;
}

// Not concluded from the list but tried: a real run, with the built-in settings of production.
// Empty when it went well.
std::string production_obstacle() {
  const Host host = probe_host();
  const Request request{.source = HostCommand{.argv = {"/bin/true"}}, .input = StdinEmpty{}};
  Result<Prepared> prepared = prepare(request, Config::defaults(), RuntimeRegistry{}, host.facts);
  if (!prepared) return prepared.error().to_string();
  const Outcome outcome =
      run_one_shot(std::move(*prepared), OneShotIo{.input = StdinEmpty{}}, host);
  if (outcome.status == Status::kExited && outcome.exit_code == 0) return {};
  return outcome.message.empty()
             ? fmt::format("/bin/true ended as {}", sandpit::to_string(outcome.status))
             : outcome.message;
}

// A line for each reason.
std::string verdict_text(const std::string& obstacle) {
  if (obstacle.empty()) return "a run in profile production is possible on this host";
  std::string text = "no run in profile production:";
  std::istringstream lines(obstacle);
  const bool several = obstacle.find('\n') != std::string::npos;
  for (std::string line; std::getline(lines, line);) {
    text += (several ? "\n  " : " ") + printable(line);
  }
  return text;
}

std::string items_text(const std::vector<DoctorItem>& items, Colour colour) {
  Table table({"FEATURE", "FOUND", "STATE"}, colour);
  for (const DoctorItem& item : items) {
    table.add({item.name, item.detail.empty() ? "-" : item.detail, to_string(item.state)},
              colouring_of(item.state));
  }
  std::string text = table.text();
  for (const DoctorItem& item : items) {
    if (item.state == DoctorState::kPresent) continue;
    text +=
        fmt::format("\n{}: {}\n", painted(printable(item.name), colouring_of(item.state), colour),
                    item.lost.empty() ? to_string(item.state) : printable(item.lost));
    if (!item.mend.empty()) text += fmt::format("  mend: {}\n", printable(item.mend));
  }
  return text;
}

std::vector<DoctorRow> rows_of(const std::vector<DoctorItem>& items) {
  std::vector<DoctorRow> rows;
  rows.reserve(items.size());
  for (const DoctorItem& item : items) {
    rows.push_back(DoctorRow{.name = item.name,
                             .state = to_string(item.state),
                             .detail = item.detail,
                             .lost = item.lost,
                             .mend = item.mend});
  }
  return rows;
}

}  // namespace

int doctor_command(Arguments arguments, Log& log) {
  constexpr SmallCommand kCommand{
      .usage = "sandpit doctor [--json]",
      .description = "Say what this host offers, what is missing and what mends it.",
      .flags = kFlagJson};
  const auto options = parse_small(kCommand, arguments);
  if (!options) return report(options.error(), log);
  if (!options->help.empty()) return print(options->help, log);
  const std::vector<DoctorItem> items = run_doctor();
  const std::string obstacle = production_obstacle();
  const Colour colour = colour_for(STDOUT_FILENO);
  std::string text;
  if (options->json) {
    text = doctor_to_json(rows_of(items), obstacle);
  } else {
    text = items_text(items, colour) + "\n" +
           painted(verdict_text(obstacle), obstacle.empty() ? Colouring::kGood : Colouring::kBad,
                   colour) +
           "\n";
  }
  if (const int failed = print(text, log); failed != 0) return failed;
  return obstacle.empty() ? 0 : 1;
}

}  // namespace sandpit::cli
