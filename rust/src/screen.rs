//! Checks the imports of a program against what is granted, before anything of it runs.
//!
//! What a switch turns off is refused here, so that a program does not start and fail half-way.
//! Standard streams that are off are closed instead: every program imports them. Files and the
//! network are refused by the calls themselves, with an errno.

use crate::link::{PREVIEW0, PREVIEW1};
use crate::load::{Code, Program};
use crate::report::Problem;
use crate::settings::{Capability, Settings};
use crate::types;
use wasmtime::ExternType;

pub struct Import {
    pub module: String,
    pub name: String,
    pub ty: String,
    pub capability: Option<&'static str>,
    pub problem: Option<Problem>,
}

use Capability::{Args, Clocks, Env, Random};

/// Every function of preview 1; those of a group with a switch name it.
const PREVIEW1_FUNCTIONS: [(&str, Option<Capability>); 46] = [
    ("args_get", Some(Args)),
    ("args_sizes_get", Some(Args)),
    ("clock_res_get", Some(Clocks)),
    ("clock_time_get", Some(Clocks)),
    ("environ_get", Some(Env)),
    ("environ_sizes_get", Some(Env)),
    ("fd_advise", None),
    ("fd_allocate", None),
    ("fd_close", None),
    ("fd_datasync", None),
    ("fd_fdstat_get", None),
    ("fd_fdstat_set_flags", None),
    ("fd_fdstat_set_rights", None),
    ("fd_filestat_get", None),
    ("fd_filestat_set_size", None),
    ("fd_filestat_set_times", None),
    ("fd_pread", None),
    ("fd_prestat_dir_name", None),
    ("fd_prestat_get", None),
    ("fd_pwrite", None),
    ("fd_read", None),
    ("fd_readdir", None),
    ("fd_renumber", None),
    ("fd_seek", None),
    ("fd_sync", None),
    ("fd_tell", None),
    ("fd_write", None),
    ("path_create_directory", None),
    ("path_filestat_get", None),
    ("path_filestat_set_times", None),
    ("path_link", None),
    ("path_open", None),
    ("path_readlink", None),
    ("path_remove_directory", None),
    ("path_rename", None),
    ("path_symlink", None),
    ("path_unlink_file", None),
    // It sleeps, and tells by an absolute time that passes what time it is.
    ("poll_oneoff", Some(Clocks)),
    ("proc_exit", None),
    ("proc_raise", None),
    ("random_get", Some(Random)),
    ("sched_yield", None),
    ("sock_accept", None),
    ("sock_recv", None),
    ("sock_send", None),
    ("sock_shutdown", None),
];

/// Every interface of preview 2, without its version. One of several switches is enough: what the
/// other would give is empty.
const INTERFACES: [(&str, &[Capability]); 28] = [
    ("wasi:cli/environment", &[Args, Env]),
    ("wasi:cli/exit", &[]),
    ("wasi:cli/stdin", &[]),
    ("wasi:cli/stdout", &[]),
    ("wasi:cli/stderr", &[]),
    ("wasi:cli/terminal-input", &[]),
    ("wasi:cli/terminal-output", &[]),
    ("wasi:cli/terminal-stdin", &[]),
    ("wasi:cli/terminal-stdout", &[]),
    ("wasi:cli/terminal-stderr", &[]),
    ("wasi:clocks/monotonic-clock", &[Clocks]),
    // Holds a type that wasi:filesystem needs too; see `interface_is_granted`.
    ("wasi:clocks/wall-clock", &[Clocks]),
    ("wasi:filesystem/preopens", &[]),
    ("wasi:filesystem/types", &[]),
    ("wasi:io/error", &[]),
    ("wasi:io/poll", &[]),
    ("wasi:io/streams", &[]),
    ("wasi:random/random", &[Random]),
    ("wasi:random/insecure", &[Random]),
    ("wasi:random/insecure-seed", &[Random]),
    ("wasi:sockets/instance-network", &[]),
    ("wasi:sockets/ip-name-lookup", &[]),
    ("wasi:sockets/network", &[]),
    ("wasi:sockets/tcp", &[]),
    ("wasi:sockets/tcp-create-socket", &[]),
    ("wasi:sockets/udp", &[]),
    ("wasi:sockets/udp-create-socket", &[]),
    ("wasi:cli/run", &[]),
];

pub fn imports(program: &Program, settings: &Settings) -> Vec<Import> {
    match &program.code {
        Code::Module(module) => module
            .imports()
            .map(|import| core_import(import.module(), import.name(), &import.ty(), settings))
            .collect(),
        Code::Component(component) => {
            let engine = &program.linkers.engine;
            let ty = component.component_type();
            let imports = ty.imports(engine);
            imports.map(|(name, item)| component_import(name, &item.ty, engine, settings)).collect()
        }
    }
}

fn not_granted(capability: Capability, place: String) -> Problem {
    let key = capability.key();
    Problem::new(format!("not granted: it needs the capability {key}"))
        .at(place)
        .hint(format!("runtimes.wasm.capabilities.{key} = true"))
}

fn wasi_is_off(place: String) -> Problem {
    Problem::new("it belongs to WASI, which is off")
        .at(place)
        .hint("runtimes.wasm.wasi_enabled = true")
}

fn core_import(module: &str, name: &str, ty: &ExternType, settings: &Settings) -> Import {
    let place = format!("import {module}.{name}");
    let wasi = module == PREVIEW1 || module == PREVIEW0;
    let known = PREVIEW1_FUNCTIONS.iter().find(|(known, _)| wasi && *known == name);
    let problem = match known {
        _ if wasi && !settings.wasi => Some(wasi_is_off(place)),
        Some((_, Some(capability))) if !settings.has(*capability) => {
            Some(not_granted(*capability, place))
        }
        Some(_) => None,
        None => {
            let mut problem = Problem::new(format!("unknown: {}", types::described(ty)));
            if wasi && let Some(near) = nearest(name) {
                problem.hint = format!("did you mean {near}?");
            } else if !wasi {
                problem.hint = "a module may import WASI only".into();
            }
            Some(problem.at(place))
        }
    };
    Import {
        module: module.to_owned(),
        name: name.to_owned(),
        ty: types::external(ty),
        capability: known.and_then(|(_, capability)| *capability).map(Capability::key),
        problem,
    }
}

fn component_import(
    name: &str,
    ty: &wasmtime::component::types::ComponentItem,
    engine: &wasmtime::Engine,
    settings: &Settings,
) -> Import {
    let (interface, version) = name.split_once('@').unwrap_or((name, ""));
    let place = format!("import {name}");
    let known = INTERFACES.iter().find(|(known, _)| *known == interface);
    let capability = known.and_then(|(_, capabilities)| capabilities.first()).copied();
    let problem = match known {
        _ if interface.starts_with("wasi:") && !settings.wasi => Some(wasi_is_off(place)),
        Some(_) if !version.starts_with("0.2.") => {
            Some(Problem::new("not supported: only the versions 0.2.x are").at(place))
        }
        Some((_, capabilities))
            if !capabilities.is_empty()
                && !capabilities.iter().any(|capability| settings.has(*capability))
                && has_functions(ty, engine) =>
        {
            Some(not_granted(capabilities[0], place))
        }
        Some(_) => None,
        // A type alone asks for nothing.
        None if matches!(ty, wasmtime::component::types::ComponentItem::Type(_)) => None,
        None => Some(
            Problem::new(format!("unknown: {}", types::item(ty)))
                .at(place)
                .hint("a component may import WASI 0.2 only"),
        ),
    };
    Import {
        module: interface.to_owned(),
        name: name.to_owned(),
        ty: types::item(ty),
        capability: capability.map(Capability::key),
        problem,
    }
}

/// Interfaces are imported for their types alone, too: wasi:filesystem needs a clock's.
fn has_functions(
    ty: &wasmtime::component::types::ComponentItem,
    engine: &wasmtime::Engine,
) -> bool {
    use wasmtime::component::types::ComponentItem;
    match ty {
        ComponentItem::ComponentInstance(instance) => instance
            .exports(engine)
            .any(|(_, item)| matches!(item.ty, ComponentItem::ComponentFunc(_))),
        _ => true,
    }
}

/// Shared memories are outside the limiter: their declared maximum is held to the limit.
pub fn shared_memories(program: &Program, settings: &Settings) -> Option<Problem> {
    let largest = program.largest_shared;
    (largest > settings.max_memory).then(|| {
        Problem::new(format!(
            "a shared memory may grow to {largest} bytes; max_memory_pages allows {} bytes",
            settings.max_memory
        ))
        .hint("max_memory_pages in [runtimes.wasm]")
    })
}

/// The known function that differs least, when that is a slip and not another word.
fn nearest(name: &str) -> Option<&'static str> {
    if name.len() > 40 {
        return None;
    }
    let (distance, near) = PREVIEW1_FUNCTIONS
        .iter()
        .map(|(known, _)| (distance(name.as_bytes(), known.as_bytes()), *known))
        .min()?;
    (distance <= 2).then_some(near)
}

fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substitute = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substitute.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
