//! The settings of a host and of a run, as owned data.

use std::sync::atomic::AtomicU64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compiler {
    Auto,
    Cranelift,
    Winch,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Artefact {
    None,
    Load,
    Store,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capability {
    Args,
    Env,
    Stdin,
    Stdout,
    Stderr,
    Clocks,
    Random,
}

impl Capability {
    /// The key in `[runtimes.wasm.capabilities]`.
    pub fn key(self) -> &'static str {
        match self {
            Capability::Args => "args",
            Capability::Env => "env",
            Capability::Stdin => "stdin",
            Capability::Stdout => "stdout",
            Capability::Stderr => "stderr",
            Capability::Clocks => "clocks",
            Capability::Random => "random",
        }
    }
}

pub struct Preopen {
    pub inside: String,
    pub guest: String,
    pub writable: bool,
}

pub struct Settings {
    pub serve: bool,
    pub describe: bool,
    pub wasi: bool,
    pub count_fuel: bool,
    pub network: bool,
    pub compiler: Compiler,
    pub features: u32,
    pub capabilities: u32,
    pub max_memory: u64,
    pub stack_size: u64,
    pub max_table_elements: u64,
    pub max_instances: u64,
    pub max_tables: u64,
    pub max_memories: u64,
    pub preopens: Vec<Preopen>,
    pub allowed: Vec<String>,
    /// In the report that the supervisor maps too.
    pub memory_high_water: Option<&'static AtomicU64>,
    /// None: the guest's code looks at the epoch.
    pub expired: Option<extern "C" fn(u8)>,
}

impl Settings {
    pub fn has(&self, capability: Capability) -> bool {
        self.capabilities & (1 << capability as u32) != 0
    }
}

pub enum Streams {
    /// Descriptors 0, 1 and 2.
    Descriptors,
    Memory {
        input: Vec<u8>,
        output: u64,
    },
}

pub struct Request {
    pub args: Vec<String>,
    pub env: Vec<String>,
    pub invoke: String,
    pub values: Vec<String>,
    pub fuel: u64,
    pub deadline_us: i64,
    pub cpu_us: i64,
    pub memory: u64,
    pub streams: Streams,
}

pub struct Source<'a> {
    pub name: &'a str,
    pub bytes: &'a [u8],
    pub artefact: Artefact,
    pub artefact_fd: i32,
}
