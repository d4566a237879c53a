#include "config/template.h"

#include <string>

namespace sandpit {

std::string commented_template() {
  return R"toml(# Configuration of Sandpit. Remove the "#" before a line to set it; what is shown is the default
# unless the line says "example".
#
# Layers, each overriding the one before, key by key:
#   built-in defaults < /etc/sandpit/sandbox.toml < ~/.config/sandpit/sandbox.toml
#   < ./sandbox.toml (else ./config/sandbox.toml; --config FILE takes its place) < the profile
#   < the command line
# A project file that was found and not named can only tighten, unless you run `sandpit trust DIR`.
# `sandpit config show` prints what is in effect and where it comes from.
#
# Sizes: a plain number in the key's unit, fractions too, or a text: "64KiB", "256MiB", "1.5GiB"
# (KB and KiB both mean 1024 bytes). Times: seconds, or "200ms", "1.5s", "2m", "1h".
# A relative path starts from this file's directory; ~/ is your home directory.

[general]
# The program's private working directory, inside the jail.
#working_dir = "/work"
# A directory of the host, for what is too large to keep in memory.
#tmp_dir = "/tmp"
# trace, debug, info, warn, error or off.
#log_level = "warn"
# The profile of a run that names none: development, production, strict or one of your own.
#default_profile = "development"

[resource_limits]
# Memory of all the program's processes together; its files count as well.
#memory_limit_mb = 512
# User and system time of all the program's processes together. Not above timeout_s.
#cpu_time_limit_s = 5
# Time from the program's start to its end.
#timeout_s = 10
# Processes and threads beyond those that the interpreter needs for itself.
#max_processes = 10
# Size of one file.
#max_file_size_kb = 5120
# Open files of each process, beyond those that the interpreter needs for itself.
#max_open_files = 20
# All files together. When it is not set: 256, but at most half of memory_limit_mb.
#max_disk_mb = 256
# Files and directories together.
#max_inodes = 16384
# Output kept of stdout and of stderr, each. The program goes on past it.
#max_output_kb = 16384
# The main thread's stack.
#stack_size_kb = 8192
# The compile step of compiled languages, which has a jail and limits of its own: wall time, memory,
# size of one file (and of all that it hands on). timeout_s limits the run step only.
#compile_time_limit_s = 30
#compile_memory_limit_mb = 2048
#compile_max_file_size_kb = 262144

[compile]
# Keep what compile steps made, by the content of sources, flags and compiler.
#cache = true
# Default: $XDG_CACHE_HOME/sandpit/compile, else ~/.cache/sandpit/compile. (example)
#cache_dir = "/tmp"
#cache_max_size = "1GiB"
# true: a run of one trust domain may get what another domain's run compiled.
#share_between_domains = false

[security]
# mode: none, loopback (a private one), allow (the hosts of a list and no others) or host (the
# host's network). Hosts are written with a port, or with * or nothing for any port:
#   network = { mode = "allow", hosts = ["pypi.org:443", "10.0.0.0/8:5432", "[::1]:*"] }
# enable_network = true says mode "host", false says "none".
#network = { mode = "none" }
# Paths of the host that the program may see. Each must exist. (example)
#allowed_paths = ["/usr/share", { path = "/tmp", access = "rw", inside = "/out" }]
# Environment variables of the program; nothing else of yours is passed on. (example)
#env = { LANG = "C.UTF-8" }
# What a finding of the source check does: off, warn or deny.
#lint = "warn"
# Limits and walls that may be weaker where this host can't enforce them fully:
# memory, cpu_time, processes, disk, proc, landlock, all. Otherwise such a run is refused. The
# profile development adds memory, cpu_time and processes. (example)
#allow_degraded = ["proc"]
# The system-call profile, instead of the runtime's own. (example)
#profile = "interpreter"
# System calls to add to the profile and to take from it. (example)
#allow_syscalls = ["getrusage"]
#deny_syscalls = ["socket"]
# Record what the program was denied, for the outcome and the lines after its output.
#report_denials = true

[runtimes.python]
# A name to look up, or a path.
#interpreter = "python3"
# Arguments before the program's file. (example)
#extra_args = ["-B"]
# A directory of packages, mounted read-only and importable. (example: this file's directory)
#packages_dir = "."
# Modules of the interpreter's own installation that warm starts have imported already. (example)
#preload = ["json", "re"]

[runtimes.javascript]
#runtime = "node"
# (example)
#extra_args = ["--no-warnings"]
# A node_modules directory, mounted read-only and importable. (example: this file's directory)
#modules_dir = "."
# Modules that warm starts have loaded already. (example)
#preload = ["crypto"]

# Any runtime can have limits and security settings of its own, which come before the general
# ones; its lists are added to the general ones. (example)
[runtimes.javascript.resource_limits]
#memory_limit_mb = 1024
[runtimes.javascript.security]
#env = { NODE_ENV = "production" }

[runtimes.wasm]
# false: no system interface at all; a module then computes and returns.
#wasi_enabled = true
# Of 64 KiB each, in each linear memory. memory_limit_mb counts as well.
#max_memory_pages = 4096
# Of the module's own calls. In bytes, or a text with a unit.
#stack_size = "512KiB"
# The proposals that a module may use.
#allow_bulk_memory = true
#allow_reference_types = true
#allow_simd = true
#allow_relaxed_simd = true
#allow_multi_memory = true
#allow_memory64 = true
#allow_threads = false
#allow_tail_calls = true
#allow_exceptions = false
#allow_gc = false
#allow_component_model = true
# Of each table.
#max_table_elements = 1000000
# Of one program.
#max_instances = 1000
#max_tables = 1000
#max_memories = 100
# Instructions, roughly, after which the module traps: the same count on every run. 0: not counted.
#fuel = 0
# auto, cranelift (fast code) or winch (fast compilation).
#compiler = "auto"
#interruption = "auto"
# Keep compiled modules for the next run: where (~/.cache/sandpit/wasm unless set), and how much.
#cache = true
# (example)
#cache_dir = "/var/cache/sandpit/wasm"
#cache_max_size = "512MiB"
# Paths for modules only, added to allowed_paths and written in the same way. (example)
#preopens = ["/usr/share"]
# Addresses that a module may connect to, instead of what [security] says. (example)
#network = ["example.com:443", "10.0.0.0/8:5432", "[::1]:*"]
[runtimes.wasm.capabilities]
# The system interfaces that a module may import. The profile strict turns all of them off.
#args = true
#env = true
#stdin = true
#stdout = true
#stderr = true
#clocks = true
#random = true

# File name extensions beside those that the runtimes bring. (example)
[runtimes.extensions]
#pyw = "python"
#mjs = "javascript"

# A profile of your own, used by --profile NAME or default_profile: any of the tables above. Built
# in: development (weaker, sampled limits are allowed where the host has nothing better),
# production (they are not) and strict (nor is any path, network, extra system call or WebAssembly
# capability, lint denies, and the limits are lower). Both only ever tighten what the files say. (example)
[profiles.judge]
#inherits = "strict"
[profiles.judge.resource_limits]
#timeout_s = 2
#cpu_time_limit_s = 1
)toml";
}

}  // namespace sandpit
