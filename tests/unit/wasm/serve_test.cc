// Many runs in one worker.
#include "unit/wasm/worker_driver.h"

namespace sandpit::wasm::testing {
namespace {

const char* const kHello = R"((module
  (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (global $runs (mut i32) (i32.const 0))
  (data (i32.const 0) "\10\00\00\00\03\00\00\00")
  (data (i32.const 16) "hi\n")
  (func (export "_start")
    ;; State of another run would show.
    (if (i32.or (global.get $runs) (i32.load (i32.const 64))) (then unreachable))
    (global.set $runs (i32.const 1)) (i32.store (i32.const 64) (i32.const 1))
    (drop (call $w (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))))";

class Server {
 public:
  explicit Server(WasmPlan plan) {
    plan.task = WasmTask::kServe;
    const UniqueFd job = *sealed_memory_file("job", encoded({.plan = std::move(plan)}));
    report_ = report_file();
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    socket_ = UniqueFd(ends[0]);
    const UniqueFd theirs(ends[1]);
    const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    child_ =
        start_worker({null.get(), null.get(), 2, job.get(), report_.get(), -1, -1, theirs.get()});
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() {
    if (child_ > 0) (void)end();
  }

  [[nodiscard]] int pid() const { return child_; }
  Ended end() {
    socket_.reset();
    return read_end(std::exchange(child_, -1), report_.get());
  }

  void send_bytes(std::string_view bytes, const std::vector<int>& files) {
    iovec part{.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()};
    char control[CMSG_SPACE(4 * sizeof(int))] = {};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    if (!files.empty()) {
      header.msg_control = control;
      header.msg_controllen = CMSG_SPACE(files.size() * sizeof(int));
      cmsghdr* item = CMSG_FIRSTHDR(&header);
      item->cmsg_level = SOL_SOCKET;
      item->cmsg_type = SCM_RIGHTS;
      item->cmsg_len = CMSG_LEN(files.size() * sizeof(int));
      std::memcpy(CMSG_DATA(item), files.data(), files.size() * sizeof(int));
    }
    ASSERT_GE(::sendmsg(socket_.get(), &header, MSG_NOSIGNAL), 0);
  }

  ServeResponse receive() {
    buffer_.resize(256U << 10U);
    iovec part{.iov_base = buffer_.data(), .iov_len = buffer_.size()};
    char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    const ssize_t size = ::recvmsg(socket_.get(), &header, MSG_CMSG_CLOEXEC);
    EXPECT_GT(size, 0);
    ServeResponse response;
    if (size <= 0) return response;
    binary::Reader reader(std::string_view(buffer_.data(), static_cast<std::size_t>(size)));
    reader(response);
    EXPECT_TRUE(reader.finished());
    if (const cmsghdr* item = CMSG_FIRSTHDR(&header); item != nullptr) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(item), sizeof fd);
      const UniqueFd file(fd);
      const std::string both = bytes_of(fd);
      response.stdout_text = both.substr(0, response.stdout_size);
      response.stderr_text = both.substr(response.stdout_size);
    }
    return response;
  }

  ServeResponse ask(const ServeRequest& request, const std::vector<int>& files = {}) {
    binary::Writer writer;
    writer(request);
    send_bytes(std::move(writer).take(), files);
    return receive();
  }

  // With the module when the worker does not have it.
  ServeResponse call(ServeRequest request, const std::string& module) {
    ServeResponse response = ask(request);
    if (response.answer != ServeAnswer::kNeedModule) return response;
    const UniqueFd file = *sealed_memory_file("module", module);
    request.with_module = true;
    return ask(request, {file.get()});
  }

 private:
  UniqueFd socket_;
  UniqueFd report_;
  pid_t child_ = -1;
  std::string buffer_;
};

Report report_of(const ServeResponse& response) {
  Report report;
  binary::Reader reader(response.report);
  reader(report);
  EXPECT_TRUE(reader.finished());
  return report;
}

ServeRequest request(std::string key = "a") {
  return {.key = std::move(key),
          .module_name = "test.wat",
          .args = {"test.wat"},
          .bounds = {.output = 1U << 20U}};
}

class Serve : public WorkerTest {};

TEST_F(Serve, AsksForTheModuleOnce) {
  Server server(given("").plan);
  EXPECT_EQ(server.ask(request()).answer, ServeAnswer::kNeedModule);
  const ServeResponse first = server.call(request(), kHello);
  EXPECT_EQ(first.stdout_text, "hi\n");
  EXPECT_EQ(report_of(first).end, End::kExited);
  EXPECT_GT(report_of(first).compile_us, 0);
  const ServeResponse second = server.ask(request());
  EXPECT_EQ(second.answer, ServeAnswer::kDone);
  EXPECT_EQ(second.stdout_text, "hi\n");
  EXPECT_EQ(report_of(second).compile_us, 0);
  EXPECT_EQ(server.end().exit_code, 0);
}

std::size_t resident_kib(int pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::stoul(line.substr(6));
  }
  return 0;
}

std::ptrdiff_t open_files(int pid) {
  const std::filesystem::directory_iterator files("/proc/" + std::to_string(pid) + "/fd");
  return std::distance(begin(files), end(files));
}

TEST_F(Serve, DoesNotGrowAndSharesNothingOver10000Runs) {
  Server server(given("").plan);
  (void)server.call(request(), kHello);
  const auto rounds = [&](int count) {
    for (int i = 0; i < count; ++i) {
      const ServeResponse response = server.ask(request());
      ASSERT_EQ(response.stdout_text, "hi\n");
    }
  };
  rounds(500);
  const std::size_t memory = resident_kib(server.pid());
  const auto files = open_files(server.pid());
  const std::int64_t began = monotonic_us();
  rounds(9500);
  RecordProperty("microseconds_per_run", static_cast<int>((monotonic_us() - began) / 9500));
  EXPECT_LE(resident_kib(server.pid()), memory + 512);
  EXPECT_EQ(open_files(server.pid()), files);
}

TEST_F(Serve, GivesEachRunItsOwnInputAndLimits) {
  WasmPlan plan = given("").plan;
  plan.fuel = 1;
  Server server(plan);
  const std::string cat = program(R"(
    (i32.store (i32.const 16) (i32.const 1024)) (i32.store (i32.const 20) (i32.const 60000))
    (loop $more
      (drop (call $fd_read (i32.const 0) (i32.const 16) (i32.const 1) (i32.const 24)))
      (call $print (i32.const 1024) (i32.load (i32.const 24)))
      (br_if $more (i32.load (i32.const 24)))))",
                                  R"((import "wasi_snapshot_preview1" "fd_read"
      (func $fd_read (param i32 i32 i32 i32) (result i32)))
    ;; ---)");
  ServeRequest one = request("cat");
  one.stdin_bytes = "first";
  EXPECT_EQ(server.call(one, cat).stdout_text, "first");
  one.stdin_bytes = "second";
  one.fuel = 1'000'000;
  const ServeResponse second = server.call(one, cat);
  EXPECT_EQ(second.stdout_text, "second");
  EXPECT_TRUE(report_of(second).fuel_counted);
  one.fuel = 10;
  EXPECT_EQ(report_of(server.call(one, cat)).trap, "out_of_fuel");
  // Large input and output travel in memory files.
  one.fuel = 0;
  one.stdin_bytes.clear();
  one.stdin_in_memory = true;
  const std::string large(300'000, 'z');
  const UniqueFd input = *sealed_memory_file("stdin", large);
  const ServeResponse all = server.ask(one, {input.get()});
  EXPECT_EQ(all.stdout_text, large);
  EXPECT_TRUE(all.in_memory);
  EXPECT_EQ(all.stdout_bytes, large.size());
  // Head and tail of too much.
  one.bounds.output = 1000;
  const ServeResponse cut = server.ask(one, {input.get()});
  EXPECT_EQ(cut.stdout_text.size(), 1000U);
  EXPECT_EQ(cut.stdout_bytes, large.size());
}

TEST_F(Serve, GoesOnAfterTrapsAndDeadlines) {
  Server server(given("").plan);
  const char* const spin = R"((module (func (export "_start") (loop $l (br $l)))))";
  for (int i = 0; i < 3; ++i) {
    ServeRequest spinner = request("spin");
    spinner.bounds.deadline_us = monotonic_us() + 100'000;
    EXPECT_EQ(report_of(server.call(spinner, spin)).end, End::kDeadline);
    EXPECT_EQ(
        report_of(server.call(request("trap"), "(module (func (export \"_start\") unreachable))"))
            .trap,
        "unreachable");
    ServeRequest hello = request("hello");
    hello.bounds.deadline_us = monotonic_us() + 10'000'000;
    hello.bounds.cpu_us = 10'000'000;
    EXPECT_EQ(server.call(hello, kHello).stdout_text, "hi\n");
  }
  EXPECT_EQ(report_of(server.call(request("bad"), "(module")).end, End::kInvalid);
}

TEST_F(Serve, HoldsEachRunToItsMemory) {
  WasmPlan plan = given("").plan;
  plan.max_memory = ByteCount::mib(1);
  Server server(plan);
  const char* const grower = R"((module (memory 1) (func (export "_start")
    (loop $more (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) unreachable)))";
  const Report all = report_of(server.call(request("grow"), grower));
  EXPECT_EQ(all.end, End::kMemory);
  EXPECT_EQ(all.memory_high_water, 1U << 20U);
  ServeRequest less = request("grow");
  less.bounds.memory = 512U << 10U;
  EXPECT_EQ(report_of(server.call(less, grower)).memory_high_water, 512U << 10U);
  const Report large =
      report_of(server.call(request("large"), "(module (memory 100) (func (export \"_start\")))"));
  EXPECT_EQ(large.end, End::kMemory) << large.message;
}

TEST_F(Serve, KeepsTheMostRecentlyUsedPrograms) {
  Server server(given("").plan);
  for (int i = 0; i < 65; ++i) (void)server.call(request(std::to_string(i)), kHello);
  EXPECT_EQ(server.ask(request("0")).answer, ServeAnswer::kNeedModule);
  EXPECT_EQ(server.ask(request("64")).answer, ServeAnswer::kDone);
}

TEST_F(Serve, SurvivesMalformedRequests) {
  Server server(given("").plan);
  const UniqueFd unsealed = *memory_file("unsealed");
  for (const std::string& bytes :
       {std::string("x"), std::string(1000, '\xff'), std::string(9, '\0')}) {
    server.send_bytes(bytes, {});
    EXPECT_EQ(report_of(server.receive()).end, End::kInternal);
    server.send_bytes(bytes, {unsealed.get(), unsealed.get()});
    EXPECT_EQ(report_of(server.receive()).end, End::kInternal);
  }
  ServeRequest with = request();
  with.with_module = true;
  EXPECT_EQ(report_of(server.ask(with)).end, End::kInternal);
  EXPECT_EQ(report_of(server.ask(with, {unsealed.get()})).end, End::kInternal);
  EXPECT_EQ(report_of(server.ask(with, {unsealed.get(), unsealed.get()})).end, End::kInternal);
  EXPECT_EQ(server.call(request(), kHello).stdout_text, "hi\n");
  EXPECT_EQ(server.end().exit_code, 0);
}

}  // namespace
}  // namespace sandpit::wasm::testing
