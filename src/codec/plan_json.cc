#include "codec/plan_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "codec/json.h"
#include "plan/egress_plan.h"
#include "plan/plan.h"
#include "plan/wasm_plan.h"
#include "sandpit/config.h"
#include "sandpit/limits.h"
#include "sandpit/request.h"
#include "sys/seccomp.h"

namespace sandpit {
namespace {

using boost::json::array;
using boost::json::object;

const char* name_of(NetworkMode mode) {
  switch (mode) {
    case NetworkMode::kNone:
      return "none";
    case NetworkMode::kLoopback:
      return "loopback";
    case NetworkMode::kAllow:
      return "allow";
    case NetworkMode::kHost:
      return "host";
  }
  return "unknown";
}

const char* name_of(WasmTask task) {
  switch (task) {
    case WasmTask::kRun:
      return "run";
    case WasmTask::kDescribe:
      return "describe";
    case WasmTask::kServe:
      return "serve";
  }
  return "unknown";
}

const char* name_of(WasmInterruption interruption) {
  switch (interruption) {
    case WasmInterruption::kAuto:
      return "auto";
    case WasmInterruption::kEpoch:
      return "epoch";
    case WasmInterruption::kKill:
      return "kill";
  }
  return "unknown";
}

const char* name_of(WasmCompiler compiler) {
  switch (compiler) {
    case WasmCompiler::kAuto:
      return "auto";
    case WasmCompiler::kCranelift:
      return "cranelift";
    case WasmCompiler::kWinch:
      return "winch";
  }
  return "unknown";
}

array flags_json(std::uint8_t flags) {
  array names;
  if ((flags & kMountReadOnly) != 0) names.emplace_back("read-only");
  if ((flags & kMountNoExec) != 0) names.emplace_back("noexec");
  if ((flags & kMountIsDirectory) != 0) names.emplace_back("directory");
  if ((flags & kMountGranted) != 0) names.emplace_back("granted");
  return names;
}

array mounts_json(const std::vector<Mount>& mounts) {
  array list;
  for (const Mount& mount : mounts) {
    object json;
    json["kind"] = to_string(mount.kind);
    codec::put_bytes(json, "target", mount.target);
    if (!mount.source.empty()) codec::put_bytes(json, "source", mount.source);
    if (mount.flags != 0) json["flags"] = flags_json(mount.flags);
    if (mount.kind == MountKind::kDirectory || mount.kind == MountKind::kFile ||
        mount.kind == MountKind::kVolume) {
      json["mode"] = fmt::format("{:04o}", mount.mode);
    }
    if (mount.kind == MountKind::kFile) codec::put_bytes(json, "content", mount.content);
    list.emplace_back(std::move(json));
  }
  return list;
}

array inputs_json(const std::vector<InputFile>& inputs) {
  array list;
  for (const InputFile& input : inputs) {
    object json;
    codec::put_bytes(json, "name", input.name);
    json["mode"] = fmt::format("{:04o}", input.mode);
    json["size"] = input.size;
    if (input.directory) json["directory"] = true;
    if (input.as_descriptor != 0) json["as_descriptor"] = input.as_descriptor;
    list.emplace_back(std::move(json));
  }
  return list;
}

object limits_json(const Plan& plan) {
  const Limits& limits = plan.limits;
  return object{{"memory_bytes", limits.memory.count()},
                {"cpu_time_ms", limits.cpu_time.count()},
                {"wall_time_ms", limits.wall_time.count()},
                {"processes", limits.processes},
                {"helper_tasks", plan.helper_tasks},
                {"max_tasks", plan.max_tasks},
                {"file_size_bytes", limits.file_size.count()},
                {"open_files", limits.open_files},
                {"max_descriptors", plan.max_descriptors},
                {"disk_bytes", limits.disk.count()},
                {"inodes", limits.inodes},
                {"output_bytes", limits.output.count()},
                {"stack_bytes", limits.stack.count()}};
}

object enforcement_json(const std::vector<Enforcement>& enforcement) {
  object json;
  for (const Enforcement& item : enforcement) {
    array mechanisms;
    for (const Mechanism mechanism : item.mechanisms) mechanisms.emplace_back(to_string(mechanism));
    object entry{{"mechanisms", std::move(mechanisms)}};
    if (!item.degraded.empty()) entry["degraded"] = codec::text(item.degraded);
    json[item.limit] = std::move(entry);
  }
  return json;
}

object seccomp_json(const Plan& plan, FilterDetail detail) {
  object json{{"profile", codec::text(plan.syscall_profile)},
              {"instructions", plan.seccomp.size()},
              {"reports_denials", plan.report_denials},
              {"traces_files", plan.trace}};
  if (detail == FilterDetail::kCount) return json;
  array lines;
  const std::string listing = sys::disassemble(plan.seccomp);
  for (std::string_view rest = listing; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    lines.emplace_back(codec::text(rest.substr(0, end)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  json["disassembly"] = std::move(lines);
  return json;
}

object landlock_json(const Plan& plan) {
  array rules;
  for (const LandlockRule& rule : plan.landlock) {
    object json;
    codec::put_bytes(json, "path", rule.path);
    json["access"] = to_string(rule.access);
    rules.emplace_back(std::move(json));
  }
  return object{{"abi", plan.landlock_abi}, {"rules", std::move(rules)}};
}

object features_json(const WasmFeatures& features) {
  return object{{"bulk_memory", features.bulk_memory},
                {"reference_types", features.reference_types},
                {"simd", features.simd},
                {"relaxed_simd", features.relaxed_simd},
                {"multi_memory", features.multi_memory},
                {"memory64", features.memory64},
                {"threads", features.threads},
                {"tail_calls", features.tail_calls},
                {"exceptions", features.exceptions},
                {"gc", features.gc},
                {"component_model", features.component_model}};
}

object capabilities_json(const WasmCapabilities& capabilities) {
  return object{{"args", capabilities.args},
                {"env", capabilities.env},
                {"stdin", capabilities.standard_input},
                {"stdout", capabilities.standard_output},
                {"stderr", capabilities.standard_error},
                {"clocks", capabilities.clocks},
                {"random", capabilities.random}};
}

array preopens_json(const std::vector<WasmPreopen>& preopens) {
  array list;
  for (const WasmPreopen& preopen : preopens) {
    object json;
    codec::put_bytes(json, "inside", preopen.inside);
    codec::put_bytes(json, "guest", preopen.guest);
    json["writable"] = preopen.writable;
    list.emplace_back(std::move(json));
  }
  return list;
}

object wasm_json(const WasmPlan& plan) {
  object json;
  json["task"] = name_of(plan.task);
  codec::put_bytes(json, "module_name", plan.module_name);
  json["digest"] = codec::text(plan.digest);
  codec::put_bytes(json, "args", plan.args);
  codec::put_bytes(json, "env", plan.env);
  codec::put_bytes(json, "invoke", plan.invoke);
  codec::put_bytes(json, "values", plan.values);
  json["wasi_enabled"] = plan.wasi_enabled;
  json["features"] = features_json(plan.features);
  json["capabilities"] = capabilities_json(plan.capabilities);
  json["compiler"] = name_of(plan.compiler);
  json["module_size"] = plan.module_size;
  json["interruption"] = name_of(plan.interruption);
  json["max_memory_bytes"] = plan.max_memory.count();
  json["stack_bytes"] = plan.stack_size.count();
  json["max_table_elements"] = plan.max_table_elements;
  json["max_instances"] = plan.max_instances;
  json["max_tables"] = plan.max_tables;
  json["max_memories"] = plan.max_memories;
  json["fuel"] = plan.fuel;
  json["preopens"] = preopens_json(plan.preopens);
  json["network"] = plan.network;
  json["allowed"] = codec::text_array(plan.allowed);
  json["cache"] = plan.cache;
  codec::put_bytes(json, "cache_dir", plan.cache_dir);
  json["cache_max_bytes"] = plan.cache_max_size.count();
  return json;
}

object egress_json(const EgressPlan& egress) {
  object json;
  json["hosts"] = codec::text_array(egress.hosts);
  array networks;
  for (const EgressNetwork& network : egress.networks) {
    networks.emplace_back(fmt::format("{}/{}", ipv4_text(network.address), network.prefix));
  }
  json["networks"] = std::move(networks);
  array sockets;
  for (const EgressSocket& socket : egress.sockets) {
    object row;
    row["use"] = to_string(socket.kind);
    row["listens"] = fmt::format("{}:{}", ipv4_text(socket.address), socket.port);
    if (!socket.target.empty()) row["target"] = codec::text(socket.target);
    sockets.emplace_back(std::move(row));
  }
  json["sockets"] = std::move(sockets);
  object names;
  for (const EgressName& name : egress.names) names[name.name] = ipv4_text(name.address);
  json["names"] = std::move(names);
  return json;
}

object plan_object(const Plan& plan, FilterDetail detail) {
  object json;
  json["schema_version"] = 1;
  json["runtime"] = codec::text(plan.runtime);
  json["runtime_version"] = codec::text(plan.runtime_version);
  json["engine"] = codec::text(plan.engine);
  codec::put_bytes(json, "argv", plan.argv);
  codec::put_bytes(json, "env", plan.env);
  codec::put_bytes(json, "cwd", plan.cwd);
  codec::put_bytes(json, "work_dir", plan.work_dir);
  json["hostname"] = codec::text(plan.hostname);
  json["uid"] = plan.uid;
  json["gid"] = plan.gid;
  json["network"] = name_of(plan.network);
  if (plan.egress) json["egress"] = egress_json(*plan.egress);
  json["inputs"] = inputs_json(plan.inputs);
  json["mounts"] = mounts_json(plan.mounts);
  json["allow_missing_proc"] = plan.allow_missing_proc;
  if (plan.wasm) json["wasm"] = wasm_json(*plan.wasm);
  json["limits"] = limits_json(plan);
  json["enforcement"] = enforcement_json(plan.enforcement);
  json["seccomp"] = seccomp_json(plan, detail);
  json["landlock"] = landlock_json(plan);
  json["warnings"] = codec::text_array(plan.warnings);
  return json;
}

}  // namespace

std::string plan_to_json(const Plan& plan, FilterDetail detail) {
  return codec::render(plan_object(plan, detail), codec::Layout::kIndented);
}

std::string plans_to_json(const Plan& run, const Plan& compile) {
  object json = plan_object(run, FilterDetail::kCount);
  json["compile"] = plan_object(compile, FilterDetail::kCount);
  return codec::render(json, codec::Layout::kIndented);
}

}  // namespace sandpit
