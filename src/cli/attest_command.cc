// `sandpit attest`: the attack programs against this host and the chosen profile, and a report.
#include <fmt/format.h>
#include <poll.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): POSIX's setenv
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <ctime>
#include <fstream>
#include <ios>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "attest/attempt.h"
#include "attest/scene.h"
#include "base/log.h"
#include "base/outcome_text.h"
#include "base/result.h"
#include "base/sha256.h"
#include "base/unique_fd.h"
#include "base/utf8.h"
#include "base/write_all.h"
#include "cli/commands.h"
#include "cli/descriptors.h"
#include "cli/output_file.h"
#include "cli/small_options.h"
#include "cli/table.h"
#include "codec/attack_json.h"
#include "codec/attest_json.h"
#include "sandpit/config.h"
#include "sandpit/error.h"
#include "sandpit/outcome.h"
#include "sandpit/request.h"
#include "sandpit/sandbox.h"
#include "service/one_shot.h"
#include "sys/host_facts.h"

namespace sandpit::cli {
namespace {

Result<std::vector<Attack>> load_attacks(const std::string& directory) {
  const std::string path = directory + "/attacks.json";
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) return fail(errno_error(path, ENOENT));
  auto attacks = parse_attacks(text.str());
  if (!attacks) return fail(with_context(attacks.error(), path));
  return attacks;
}

// Names of attacks and of categories; none: all of them.
Result<void> choose(const std::vector<std::string>& words, std::vector<Attack>& attacks) {
  if (words.empty()) return {};
  for (const std::string& word : words) {
    const bool known = std::ranges::any_of(attacks, [&](const Attack& attack) {
      return attack.name == word || attack.category == word;
    });
    if (known) continue;
    return fail({.code = ErrorCode::kUsage,
                 .message = fmt::format("no attack and no category \"{}\"", printable(word)),
                 .where = {},
                 .hint = "sandpit attest --json lists them"});
  }
  std::erase_if(attacks, [&](const Attack& attack) {
    return std::ranges::find(words, attack.name) == words.end() &&
           std::ranges::find(words, attack.category) == words.end();
  });
  return {};
}

std::string now() {
  const std::time_t seconds = std::time(nullptr);
  std::tm parts{};
  std::array<char, 32> text{};
  if (::gmtime_r(&seconds, &parts) == nullptr) return {};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text.data(), size};
}

std::string kernel_text() {
  utsname name{};
  if (::uname(&name) != 0) return {};
  return fmt::format("{} {} {}", name.sysname, name.release, name.machine);
}

std::string controller_text(const ControllerFacts& facts) {
  switch (facts.version) {
    case CgroupVersion::kV1:
      return "cgroup v1 " + facts.directory;
    case CgroupVersion::kV2:
      return "cgroup v2 " + facts.directory;
    case CgroupVersion::kNone:
      break;
  }
  return "no cgroup: " + facts.reason;
}

std::string digest_of(const Config& config) {
  std::string text;
  for (const ConfigEntry& entry : config.entries())
    text += fmt::format("{} = {}\n", entry.key, entry.value);
  return sha256_hex(text);
}

AttestReport empty_report(const Config& config, const std::string& profile) {
  const HostFacts facts = probe_host().facts;
  return {.version = SANDPIT_VERSION,
          .time = now(),
          .kernel = kernel_text(),
          .user = facts.is_root ? "root" : "ordinary user",
          .landlock_abi = facts.landlock_abi,
          .memory = controller_text(facts.memory),
          .processes = controller_text(facts.pids),
          .cpu_time = controller_text(facts.cpu),
          .profile = profile.empty() ? config.settings().general.default_profile : profile,
          .configuration = digest_of(config),
          .attacks = {}};
}

Colouring colouring_of(const std::string& result) {
  if (result == "contained") return Colouring::kGood;
  if (result == "escaped" || result == "unclear") return Colouring::kBad;
  return Colouring::kPoor;
}

std::string result_word(const AttestedAttack& attack) {
  if (attack.result == "escaped") return "ESCAPED";
  if (attack.result == "known_risk") return "known risk";
  return attack.result;
}

std::string report_text(const AttestReport& report, Colour colour) {
  std::string text = fmt::format(
      "sandpit {} on {}, as {}\nprofile {}, configuration {:.16}\nLandlock ABI {}; "
      "memory by {}; processes by {}\n\n",
      report.version, printable(report.kernel), report.user, printable(report.profile),
      report.configuration, report.landlock_abi, printable(report.memory),
      printable(report.processes));
  const bool proved = std::ranges::any_of(
      report.attacks, [](const AttestedAttack& attack) { return attack.proven.has_value(); });
  std::vector<std::string> header = {"ATTACK", "CATEGORY", "TIME", "RESULT"};
  if (proved) header.insert(header.begin() + 3, "OUTSIDE");
  Table table(std::move(header), colour);
  for (const AttestedAttack& attack : report.attacks) {
    std::string result = result_word(attack);
    if (!attack.how.empty()) result += ": " + attack.how;
    std::vector<std::string> cells = {attack.name, attack.category, to_text(attack.time),
                                      std::move(result)};
    const char* outside = "not tried";
    if (attack.proven) outside = *attack.proven ? "succeeds" : "fails";
    if (proved) cells.insert(cells.begin() + 3, outside);
    table.add(std::move(cells), colouring_of(attack.result));
  }
  const std::string totals =
      fmt::format("{} contained, {} escaped, {} known risks, {} unclear, {} skipped",
                  report.count("contained"), report.count("escaped"), report.count("known_risk"),
                  report.count("unclear"), report.count("skipped"));
  return text + table.text() + "\n" +
         painted(totals, report.contained() ? Colouring::kGood : Colouring::kBad, colour) + "\n";
}

// Where nothing can be run, each attack would be skipped for the same reason.
Result<void> check_that_programs_run(const Sandbox& sandbox) {
  const Request request{.source = HostCommand{.argv = {"/bin/true"}}, .input = StdinEmpty{}};
  SP_TRY(const Outcome outcome, sandbox.run(request));
  if (outcome.status == Status::kExited && outcome.exit_code == 0) return {};
  const bool refused = outcome.status == Status::kRefused;
  return fail({.code = refused ? ErrorCode::kRefused : ErrorCode::kSandbox,
               .message = fmt::format("no program can be run: {} {}", to_string(outcome.status),
                                      outcome.message),
               .where = {},
               .hint = "sandpit doctor"});
}

// Which attack is at work, on a terminal only.
class Progress {
 public:
  explicit Progress(std::size_t all) : all_(all), shown_(::isatty(STDERR_FILENO) == 1) {}
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { clear(); }
  void tell(const std::string& name) {
    if (shown_)
      (void)write_all(STDERR_FILENO, fmt::format("\r\x1b[K{}/{} {}", ++done_, all_, name));
  }
  void clear() {
    if (shown_) (void)write_all(STDERR_FILENO, "\r\x1b[K");
  }

 private:
  std::size_t all_;
  std::size_t done_ = 0;
  bool shown_;
};

bool was_interrupted(const UniqueFd& interrupts) {
  pollfd ready{.fd = interrupts.get(), .events = POLLIN, .revents = 0};
  return ::poll(&ready, 1, 0) > 0;
}

// Nothing when the user interrupted it.
Result<std::optional<AttestReport>> attest(const SmallOptions& options, const UniqueFd& interrupts,
                                           Log& log) {
  SP_TRY(const std::string directory, attest::attacks_directory());
  SP_TRY(std::vector<Attack> attacks, load_attacks(directory));
  SP_TRY_VOID(choose(options.words, attacks));
  ConfigSources sources;
  if (!options.config.empty()) sources.named_file = options.config;
  sources.profile = options.profile;
  SP_TRY(const Config config, Config::load(sources));
  for (const std::string& warning : config.warnings()) log.warning(warning);
  // What an attack looks for in the environment of whoever started it. No thread is there yet.
  if (::setenv("SANDPIT_TEST_SECRET", "of the host", 1) < 0)  // NOLINT(concurrency-mt-unsafe)
    return fail(errno_error("setenv", errno));
  AttestReport report = empty_report(config, options.profile);
  SP_TRY(attest::Scene scene, attest::Scene::make());
  SP_TRY(const Sandbox sandbox, Sandbox::create(config, {.warm = {.enabled = false}}));
  SP_TRY_VOID(check_that_programs_run(sandbox));
  Progress progress(attacks.size());
  for (const Attack& attack : attacks) {
    if (was_interrupted(interrupts)) return std::optional<AttestReport>();
    progress.tell(attack.name);
    AttestedAttack attested = attest::attempt(attack, directory, sandbox, scene);
    const bool may = attack.provable == Attack::Provable::kByAnybody ||
                     (attack.provable == Attack::Provable::kByRoot && ::geteuid() == 0);
    if (options.prove && may && attested.result != "skipped") {
      SP_TRY(attested.proven, attest::prove(attack, directory, scene));
    }
    report.attacks.push_back(std::move(attested));
  }
  return std::optional(std::move(report));
}

}  // namespace

int attest_command(Arguments arguments, Log& log) {
  constexpr SmallCommand kCommand{
      .usage =
          "sandpit attest [--config PATH] [--profile NAME] [--json] [-o FILE] [--prove] "
          "[ATTACK|CATEGORY...]",
      .description = "Run attack programs in the sandbox and report which were contained.",
      .flags = kFlagJson | kFlagConfig | kFlagOutput | kFlagProve,
      .max_words = kManyWords};
  const auto options = parse_small(kCommand, arguments);
  if (!options) return cli::report(options.error(), log);
  if (!options->help.empty()) return print(options->help, log);
  std::optional<OutputFile> file;
  if (!options->output.empty()) {
    auto opened = OutputFile::open(options->output);
    if (!opened) return cli::report(opened.error(), log);
    file = std::move(*opened);
  }
  const Result<UniqueFd> interrupts = interrupt_descriptor();
  if (!interrupts) return cli::report(interrupts.error(), log);
  const auto made = attest(*options, *interrupts, log);
  if (!made) return cli::report(made.error(), log);
  if (!*made) return 128 + read_interrupt(interrupts->get());
  const AttestReport& report = **made;
  if (file) {
    if (auto written = file->write(attest_to_json(report)); !written)
      return cli::report(written.error(), log);
  }
  const std::string text =
      options->json ? attest_to_json(report) : report_text(report, colour_for(STDOUT_FILENO));
  if (const int failed = print(text, log); failed != 0) return failed;
  return report.contained() ? 0 : 1;
}

}  // namespace sandpit::cli
