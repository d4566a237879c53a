// What a template is sent, and what inits, of templates too, tell the host. The first byte chooses:
// a block as it is, an image that is flattened and then spoilt, a message, or the block that a run
// is started by that was forked ahead.
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "base/utf8.h"
#include "codec/outcome_json.h"
#include "engine/jail/child.h"
#include "engine/warm/run_image.h"
#include "fuzz/input.h"
#include "plan/plan.h"
#include "supervisor/describe.h"

namespace sandpit::fuzz {
namespace {

using jail::ChildArray;
using jail::ChildInput;
using jail::ChildLandlockRule;
using jail::ChildMount;
using jail::ChildRlimit;
using jail::ChildSpec;
using warm::RunImage;

// A block of exactly its size, aligned as the template's own: what is read behind it is seen.
class Block {
 public:
  explicit Block(std::string_view bytes)
      : bytes_(new(std::align_val_t{16}) char[bytes.size()]), size_(bytes.size()) {
    if (size_ > 0) std::memcpy(bytes_.get(), bytes.data(), size_);
  }
  [[nodiscard]] char* data() { return bytes_.get(); }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] RunImage& image() { return *reinterpret_cast<RunImage*>(data()); }
  [[nodiscard]] bool holds(const void* at, std::size_t size) const {
    const char* first = static_cast<const char*>(at);
    return first >= bytes_.get() && size <= size_ && first <= bytes_.get() + (size_ - size);
  }

 private:
  struct Free {
    void operator()(char* bytes) const { ::operator delete[](bytes, std::align_val_t{16}); }
  };
  std::unique_ptr<char, Free> bytes_;
  std::size_t size_;
};

// Looks at all that the template looks at.
class Reader {
 public:
  Reader(const Block& block, std::span<const int> descriptors)
      : block_(block), descriptors_(descriptors) {}

  void text(const char* at) const {
    if (at == nullptr) return;
    require(block_.holds(at, 1) && block_.holds(at, std::strlen(at) + 1),
            "a text ends in the block");
  }
  void bytes(const void* at, std::size_t size) const {
    require(at == nullptr || block_.holds(at, size), "what is pointed at lies in the block");
  }
  template <class T>
  void array(const ChildArray<T>& items) const {
    require(items.size == 0 || items.data != nullptr, "a list without a place is empty");
    bytes(items.data, items.size * sizeof(T));
    require(reinterpret_cast<std::uintptr_t>(items.data) % alignof(T) == 0, "a list is aligned");
  }
  void descriptor(int fd) const {
    require(fd < 0 || std::ranges::find(descriptors_, fd) != descriptors_.end(),
            "a descriptor is one that came along");
  }

 private:
  const Block& block_;
  std::span<const int> descriptors_;
};

void look_at(const Block& block, const RunImage& image, std::span<const int> descriptors) {
  const Reader reader(block, descriptors);
  const ChildSpec& spec = image.spec;
  for (const int fd : {spec.socket, spec.stdin_fd, spec.stdout_fd, spec.stderr_fd}) {
    reader.descriptor(fd);
  }
  require(image.task_count <= jail::kMostCgroups, "groups have their places");
  for (std::size_t i = 0; i < image.task_count; ++i) reader.descriptor(image.tasks[i]);
  reader.array(spec.mounts);
  for (const ChildMount& mount : spec.mounts) {
    reader.text(mount.target);
    reader.text(mount.source);
    reader.descriptor(mount.tree);
  }
  reader.array(spec.inputs);
  for (const ChildInput& input : spec.inputs) {
    reader.text(input.name);
    reader.descriptor(input.descriptor);
  }
  reader.array(spec.rlimits);
  reader.array(spec.landlock);
  for (const ChildLandlockRule& rule : spec.landlock) reader.text(rule.path);
  for (const char* text : {spec.volume_size, spec.volume_inodes, spec.cwd}) reader.text(text);
  reader.bytes(spec.hostname, spec.hostname_size);
  require(spec.seccomp.len > 0, "a filter has instructions");
  reader.bytes(spec.seccomp.filter, spec.seccomp.len * sizeof(sock_filter));
  require(spec.egress_networks.size == 0 && spec.egress_sockets.size == 0,
          "what is not sent is not there");
  reader.bytes(image.record, image.record_size);
  require(image.network < static_cast<int>(warm::kMostNetworks), "a network has a number");
}

// As many as came, none of them a number that an index could be mistaken for.
std::vector<int> received(std::size_t count) {
  std::vector<int> descriptors;
  for (std::size_t i = 0; i < count; ++i) descriptors.push_back(1000 + static_cast<int>(i));
  return descriptors;
}

void read_block(Input& input) {
  const auto descriptors = received(input.take() % warm::kMostDescriptors);
  const bool sound_head = input.take() != 0;
  Block block(input.rest());
  if (sound_head && block.size() >= sizeof(RunImage)) {
    block.image().size = block.size();
    block.image().head = sizeof(RunImage);
    block.data()[block.size() - 1] = '\0';
  }
  if (warm::relocate(block.data(), block.size(), descriptors.data(), descriptors.size())) {
    look_at(block, block.image(), descriptors);
  }
}

// What a launcher would send, made of the input.
struct Sample {
  explicit Sample(Input& input) {
    for (std::string& text : texts)
      text = std::string(input.take_until("\n").substr(0, 200)) + '\0';
    const auto text = [&] { return texts.at(input.take() % texts.size()).c_str(); };
    const auto fd = [&] { return static_cast<int>(input.take() % 16) - 1; };
    for (int left = input.take() % 8; left > 0; --left) {
      mounts.push_back({.kind = static_cast<MountKind>(input.take() % 8),
                        .flags = input.take(),
                        .target = text(),
                        .source = text(),
                        .tree = fd()});
    }
    for (int left = input.take() % 4; left > 0; --left) {
      inputs.push_back({.name = text(), .size = input.take(), .descriptor = fd()});
    }
    for (int left = input.take() % 4; left > 0; --left) {
      rlimits.push_back({.resource = input.take(), .limit = {.rlim_cur = 1, .rlim_max = 2}});
      rules.push_back({.path = text(), .access = LandlockAccess::kRead});
    }
    filter.resize(1 + input.take() % 16);
    for (int left = input.take() % 4; left > 0; --left) tasks.push_back(fd());
    record = std::string(text()) + '\0' + text() + '\0';
    ChildSpec& spec = image.spec;
    spec.socket = fd();
    spec.stdin_fd = fd();
    spec.stdout_fd = fd();
    spec.stderr_fd = fd();
    spec.mounts = {.data = mounts.data(), .size = mounts.size()};
    spec.inputs = {.data = inputs.data(), .size = inputs.size()};
    spec.rlimits = {.data = rlimits.data(), .size = rlimits.size()};
    spec.landlock = {.data = rules.data(), .size = rules.size()};
    spec.volume_size = "1000";
    spec.volume_inodes = "10";
    spec.hostname = texts.front().data();
    spec.hostname_size = texts.front().size() - 1;
    spec.cwd = text();
    spec.seccomp = {.len = static_cast<unsigned short>(filter.size()), .filter = filter.data()};
    image.record = record.data();
    image.record_size = record.size();
  }
  std::array<std::string, 4> texts;
  std::vector<ChildMount> mounts;
  std::vector<ChildInput> inputs;
  std::vector<ChildRlimit> rlimits;
  std::vector<ChildLandlockRule> rules;
  std::vector<sock_filter> filter;
  std::vector<int> tasks;
  std::string record;
  RunImage image;
};

void must_be_same(const Sample& sample, const RunImage& image, std::span<const int> sent,
                  std::span<const int> here) {
  const auto same_fd = [&](int was, int is) {
    if (was < 0) return is == -1;
    const auto at = std::ranges::find(here, is) - here.begin();
    return at < std::ssize(here) && sent[static_cast<std::size_t>(at)] == was;
  };
  const auto same_text = [](const char* was, const char* is) {
    return is != nullptr && std::string_view(was) == is;
  };
  const ChildSpec& spec = image.spec;
  require(same_fd(sample.image.spec.socket, spec.socket), "the socket arrives");
  require(spec.mounts.size == sample.mounts.size(), "mounts arrive");
  for (std::size_t i = 0; i < spec.mounts.size; ++i) {
    const ChildMount& was = sample.mounts[i];
    const ChildMount& is = spec.mounts.data[i];
    if (!jail::is_per_run(was)) continue;
    require(same_text(was.target, is.target) && same_text(was.source, is.source) &&
                same_fd(was.tree, is.tree),
            "a mount of the run arrives");
  }
  require(spec.inputs.size == sample.inputs.size(), "inputs arrive");
  for (std::size_t i = 0; i < spec.inputs.size; ++i) {
    require(same_text(sample.inputs[i].name, spec.inputs.data[i].name) &&
                same_fd(sample.inputs[i].descriptor, spec.inputs.data[i].descriptor),
            "an input arrives");
  }
  require(spec.landlock.size == sample.rules.size(), "rules arrive");
  for (std::size_t i = 0; i < spec.landlock.size; ++i) {
    require(same_text(sample.rules[i].path, spec.landlock.data[i].path), "a rule arrives");
  }
  require(image.task_count == sample.tasks.size(), "groups arrive");
  require(std::string_view(image.record, image.record_size) == sample.record, "the record arrives");
}

// The rest of the input overwrites pieces of it.
void spoil(Block& block, Input& input) {
  while (!input.empty()) {
    const std::size_t width = std::size_t{1} << (input.take() % 4U);
    const std::size_t at = input.take<std::uint16_t>() % block.size();
    const auto value = input.take<std::uint64_t>();
    std::memcpy(block.data() + at, &value, std::min(width, block.size() - at));
  }
}

void send_image(Input& input) {
  const Sample sample(input);
  const warm::FlatImage flat = warm::flatten(sample.image, sample.tasks);
  const auto descriptors = received(flat.descriptors.size());
  {
    Block block(flat.bytes);
    require(warm::relocate(block.data(), block.size(), descriptors.data(), descriptors.size()),
            "what was sent is taken");
    look_at(block, block.image(), descriptors);
    must_be_same(sample, block.image(), flat.descriptors, descriptors);
  }
  Block block(flat.bytes);
  spoil(block, input);
  if (warm::relocate(block.data(), block.size(), descriptors.data(), descriptors.size())) {
    look_at(block, block.image(), descriptors);
  }
}

void look_at_start(Block& block, std::span<const int> descriptors) {
  if (!warm::relocate_start(block.data(), block.size(), descriptors.data(), descriptors.size())) {
    return;
  }
  const auto& image = *reinterpret_cast<const warm::StartImage*>(block.data());
  const Reader reader(block, descriptors);
  reader.array(image.inputs);
  for (const ChildInput& input : image.inputs) {
    reader.text(input.name);
    reader.descriptor(input.descriptor);
  }
  require(image.stdin_fd >= 0 && image.record_fd >= 0, "both are there");
  reader.descriptor(image.stdin_fd);
  reader.descriptor(image.record_fd);
  reader.bytes(image.record, image.record_size);
}

void read_start(Input& input) {
  std::vector<ChildInput> inputs;
  for (int left = input.take() % 4; left > 0; --left) {
    inputs.push_back({.name = "main.py", .size = input.take(), .descriptor = 20 + left});
  }
  const std::string record("main.py\0a\0", 10);
  const warm::FlatImage flat =
      warm::flatten(warm::StartImage{.inputs = {.data = inputs.data(), .size = inputs.size()},
                                     .stdin_fd = 30,
                                     .record = record.data(),
                                     .record_size = record.size(),
                                     .record_fd = 31});
  const auto descriptors = received(flat.descriptors.size());
  Block block(flat.bytes);
  spoil(block, input);
  look_at_start(block, descriptors);
}

Plan small_plan() {
  Plan plan;
  plan.argv = {"/usr/bin/python3"};
  plan.cwd = "/work";
  plan.mounts.resize(2);
  plan.mounts[1].target = "usr";
  plan.inputs.resize(1);
  plan.inputs[0].name = "main.py";
  return plan;
}

// Whatever init says, the host makes an Outcome of it.
void read_message(Input& input) {
  static const Plan plan = small_plan();
  const bool failed = input.take() % 2 == 0;
  jail::ChildMessage message;
  std::memcpy(&message, input.rest().data(), std::min(input.rest().size(), sizeof message));
  Outcome outcome;
  RunFacts facts{.plan = plan};
  if (failed) {
    facts.launch_failure = &message;
  } else {
    facts.wait_status = message.wait_status;
    facts.end = told_end(message);
  }
  describe_run(facts, outcome);
  if (failed) {
    require(outcome.status == Status::kSandboxError || outcome.status == Status::kRefused,
            "a launch that failed is no run");
    require(!outcome.message.empty(), "and the user hears why");
  }
  (void)exit_status(outcome);
  require(is_valid_utf8(outcome_to_json(outcome)), "JSON is UTF-8");
}

}  // namespace
}  // namespace sandpit::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sandpit::fuzz::Input input(data, size);
  switch (input.take() % 4) {
    case 0:
      sandpit::fuzz::read_block(input);
      break;
    case 1:
      sandpit::fuzz::send_image(input);
      break;
    case 2:
      sandpit::fuzz::read_start(input);
      break;
    default:
      sandpit::fuzz::read_message(input);
  }
  return 0;
}
