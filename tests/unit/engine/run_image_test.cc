#include "engine/warm/run_image.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "engine/jail/child.h"
#include "plan/plan.h"

namespace sandpit::warm {
namespace {

struct Sample {
  std::vector<jail::ChildMount> mounts = {
      {.kind = MountKind::kBind, .target = "usr", .source = "/usr", .tree = -1},
      {.kind = MountKind::kVolume, .target = "work", .source = "work", .tree = -1},
      {.kind = MountKind::kBind,
       .flags = kMountGranted,
       .target = "data",
       .source = "/d",
       .tree = 21}};
  std::vector<jail::ChildInput> inputs = {
      {.name = "main.py", .mode = 0644, .size = 5, .descriptor = 22}};
  std::vector<jail::ChildRlimit> rlimits = {
      {.resource = 7, .limit = {.rlim_cur = 1, .rlim_max = 2}}};
  std::vector<jail::ChildLandlockRule> rules = {{.path = "/usr", .access = LandlockAccess::kRead}};
  std::vector<sock_filter> filter = {{.code = 6, .jt = 0, .jf = 0, .k = 0x7fff0000}};
  std::string record = std::string("/work/main.py\0a\0", 16);

  [[nodiscard]] RunImage image() {
    RunImage made;
    jail::ChildSpec& spec = made.spec;
    spec.socket = 20;
    spec.stdin_fd = 23;
    spec.stdout_fd = 24;
    spec.stderr_fd = 24;
    spec.mounts = {.data = mounts.data(), .size = mounts.size()};
    spec.inputs = {.data = inputs.data(), .size = inputs.size()};
    spec.rlimits = {.data = rlimits.data(), .size = rlimits.size()};
    spec.landlock = {.data = rules.data(), .size = rules.size()};
    spec.volume_size = "1000";
    spec.volume_inodes = "10";
    spec.hostname = "sandpit";
    spec.hostname_size = 7;
    spec.cwd = "/work";
    spec.seccomp = {.len = 1, .filter = filter.data()};
    made.record = record.data();
    made.record_size = record.size();
    return made;
  }
};

// As the template has it: the same bytes, descriptors of its own.
struct Received {
  explicit Received(const FlatImage& flat) : block(flat.bytes.size() / 8 + 1) {
    std::memcpy(block.data(), flat.bytes.data(), flat.bytes.size());
    size = flat.bytes.size();
    for (const int sent : flat.descriptors) descriptors.push_back(sent + 100);
  }
  [[nodiscard]] char* bytes() { return reinterpret_cast<char*>(block.data()); }
  [[nodiscard]] bool relocated() {
    return relocate(bytes(), size, descriptors.data(), descriptors.size());
  }
  [[nodiscard]] RunImage& image() { return *reinterpret_cast<RunImage*>(block.data()); }
  std::vector<std::uint64_t> block;
  std::size_t size = 0;
  std::vector<int> descriptors;
};

TEST(RunImage, ArrivesAsItWasSent) {
  Sample sample;
  Received received(flatten(sample.image(), {30, 31}));
  ASSERT_TRUE(received.relocated());
  const RunImage& image = received.image();
  const jail::ChildSpec& spec = image.spec;
  EXPECT_EQ(spec.socket, 120);
  EXPECT_EQ(spec.stdin_fd, 123);
  EXPECT_EQ(spec.stdout_fd, 124);
  EXPECT_EQ(spec.stderr_fd, 124);
  EXPECT_EQ(image.task_count, 2U);
  EXPECT_EQ(image.tasks[1], 131);
  ASSERT_EQ(spec.mounts.size, 3U);
  EXPECT_STREQ(spec.mounts.data[1].target, "work");
  EXPECT_STREQ(spec.mounts.data[2].target, "data");
  EXPECT_EQ(spec.mounts.data[2].tree, 121);
  ASSERT_EQ(spec.inputs.size, 1U);
  EXPECT_STREQ(spec.inputs.data[0].name, "main.py");
  EXPECT_EQ(spec.inputs.data[0].descriptor, 122);
  EXPECT_EQ(spec.rlimits.data[0].limit.rlim_max, 2U);
  EXPECT_STREQ(spec.landlock.data[0].path, "/usr");
  EXPECT_STREQ(spec.volume_size, "1000");
  EXPECT_EQ(std::string(spec.hostname, spec.hostname_size), "sandpit");
  EXPECT_STREQ(spec.cwd, "/work");
  EXPECT_EQ(spec.seccomp.filter[0].k, 0x7fff0000U);
  EXPECT_EQ(std::string(image.record, image.record_size), sample.record);
}

TEST(RunImage, LeavesOutWhatTheTemplateHasAlready) {
  Sample sample;
  Received received(flatten(sample.image(), {}));
  ASSERT_TRUE(received.relocated());
  EXPECT_EQ(received.image().spec.mounts.data[0].source, nullptr);
}

TEST(RunImage, ATruncatedOneIsRefused) {
  Sample sample;
  const FlatImage flat = flatten(sample.image(), {});
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{8}, sizeof(RunImage), flat.bytes.size() - 1}) {
    Received received(flat);
    EXPECT_FALSE(
        relocate(received.bytes(), size, received.descriptors.data(), received.descriptors.size()))
        << size;
  }
}

TEST(RunImage, AnotherVersionsLayoutIsRefused) {
  Sample sample;
  Received received(flatten(sample.image(), {}));
  received.image().head = sizeof(RunImage) + 8;
  EXPECT_FALSE(received.relocated());
}

TEST(RunImage, AMissingDescriptorIsRefused) {
  Sample sample;
  Received received(flatten(sample.image(), {30}));
  received.descriptors.pop_back();
  EXPECT_FALSE(received.relocated());
}

TEST(RunImage, APointerOutOfTheBlockIsRefused) {
  Sample sample;
  Received received(flatten(sample.image(), {}));
  received.image().spec.cwd = reinterpret_cast<const char*>(received.size + 1);
  EXPECT_FALSE(received.relocated());
}

TEST(RunImage, AMisalignedListIsRefused) {
  Sample sample;
  Received received(flatten(sample.image(), {}));
  auto& inputs = received.image().spec.inputs.data;
  inputs = reinterpret_cast<const jail::ChildInput*>(reinterpret_cast<std::uintptr_t>(inputs) + 4);
  EXPECT_FALSE(received.relocated());
}

// What is written into one while it is relocated would change the other, which was checked.
TEST(RunImage, ListsThatOverlapAreRefused) {
  Sample sample;
  const FlatImage flat = flatten(sample.image(), {});
  Received on_another(flat);
  jail::ChildSpec& spec = on_another.image().spec;
  spec.inputs.data = reinterpret_cast<const jail::ChildInput*>(spec.mounts.data);
  EXPECT_FALSE(on_another.relocated());
  Received on_the_image(flat);
  on_the_image.image().spec.mounts.data = reinterpret_cast<const jail::ChildMount*>(8);
  EXPECT_FALSE(on_the_image.relocated());
}

TEST(RunImage, SocketsOfAProxyAreRefused) {
  Sample sample;
  Received received(flatten(sample.image(), {}));
  received.image().spec.egress_sockets.size = 1;
  EXPECT_FALSE(received.relocated());
}

TEST(RunImage, ANetworkThatNoTemplateHasIsRefused) {
  Sample sample;
  Received received(flatten(sample.image(), {}));
  received.image().network = kMostNetworks;
  EXPECT_FALSE(received.relocated());
}

TEST(RunImage, AWayToWaitThatThereIsNotIsRefused) {
  Sample sample;
  Received received(flatten(sample.image(), {}));
  received.image().waits = static_cast<Waits>(3);
  EXPECT_FALSE(received.relocated());
}

struct Start {
  std::vector<jail::ChildInput> inputs = {
      {.name = "main.py", .mode = 0644, .size = 5, .descriptor = 22}};
  std::string record = std::string("/work/main.py\0a\0", 16);
  [[nodiscard]] StartImage image() const {
    return {.inputs = {.data = inputs.data(), .size = inputs.size()},
            .stdin_fd = 23,
            .record = record.data(),
            .record_size = record.size(),
            .record_fd = 24};
  }
};

bool starts(Received& received) {
  return relocate_start(received.bytes(), received.size, received.descriptors.data(),
                        received.descriptors.size());
}

TEST(StartImage, ArrivesAsItWasSent) {
  const Start start;
  Received received(flatten(start.image()));
  ASSERT_TRUE(starts(received));
  const auto& image = *reinterpret_cast<const StartImage*>(received.block.data());
  ASSERT_EQ(image.inputs.size, 1U);
  EXPECT_STREQ(image.inputs.data[0].name, "main.py");
  EXPECT_EQ(image.inputs.data[0].descriptor, 122);
  EXPECT_EQ(image.stdin_fd, 123);
  EXPECT_EQ(image.record_fd, 124);
  EXPECT_EQ(std::string(image.record, image.record_size), start.record);
}

TEST(StartImage, ATruncatedOneIsRefused) {
  const FlatImage flat = flatten(Start().image());
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{8}, sizeof(StartImage), flat.bytes.size() - 1}) {
    Received received(flat);
    received.size = size;
    EXPECT_FALSE(starts(received)) << size;
  }
}

TEST(StartImage, MissingDescriptorsAreRefused) {
  const FlatImage flat = flatten(Start().image());
  for (std::size_t missing = 1; missing <= flat.descriptors.size(); ++missing) {
    Received received(flat);
    received.descriptors.resize(flat.descriptors.size() - missing);
    EXPECT_FALSE(starts(received)) << missing;
  }
}

TEST(StartImage, WithoutInputStreamOrRecordIsRefused) {
  for (const int what : {0, 1, 2}) {
    const Start start;
    StartImage image = start.image();
    if (what == 0) image.stdin_fd = -1;
    if (what == 1) image.record_fd = -1;
    Received received(flatten(image));
    if (what == 2) reinterpret_cast<StartImage*>(received.block.data())->record = nullptr;
    EXPECT_FALSE(starts(received)) << what;
  }
}

}  // namespace
}  // namespace sandpit::warm
