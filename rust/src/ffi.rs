//! `include/sandpit_wasm.h`: what C++ passes becomes owned data, what Rust tells becomes pointers.
//!
//! Every pointer comes from our own C++ in the same process and is valid for the call.

use crate::describe;
use crate::engine::Host;
use crate::link;
use crate::load::{self, Program};
use crate::report::{Compiled, End, Problem, Report};
use crate::run;
use crate::settings::{Artefact, Compiler, Preopen, Request, Settings, Source, Streams};
use std::borrow::Cow;
use std::sync::atomic::AtomicU64;

#[derive(Clone, Copy)]
#[repr(C)]
pub struct Text {
    data: *const u8,
    size: usize,
}

#[derive(Clone, Copy)]
#[repr(C)]
pub struct Texts {
    items: *const Text,
    count: usize,
}

unsafe fn slice<'a, T>(data: *const T, count: usize) -> &'a [T] {
    match data.is_null() || count == 0 {
        true => &[],
        // SAFETY: the caller's promise.
        false => unsafe { std::slice::from_raw_parts(data, count) },
    }
}

impl Text {
    fn new(bytes: &[u8]) -> Text {
        Text { data: bytes.as_ptr(), size: bytes.len() }
    }
    unsafe fn bytes<'a>(self) -> &'a [u8] {
        // SAFETY: the caller's promise.
        unsafe { slice(self.data, self.size) }
    }
    unsafe fn text<'a>(self) -> Cow<'a, str> {
        // SAFETY: the caller's promise.
        String::from_utf8_lossy(unsafe { self.bytes() })
    }
}

impl Texts {
    unsafe fn strings(self) -> Vec<String> {
        // SAFETY: the caller's promise.
        unsafe { slice(self.items, self.count).iter().map(|t| t.text().into_owned()).collect() }
    }
}

#[repr(C)]
pub struct CPreopen {
    inside: Text,
    guest: Text,
    writable: bool,
}

#[repr(C)]
pub struct CSettings {
    serve: bool,
    describe: bool,
    wasi: bool,
    count_fuel: bool,
    network: bool,
    compiler: u8,
    features: u32,
    capabilities: u32,
    max_memory: u64,
    stack_size: u64,
    max_table_elements: u64,
    max_instances: u64,
    max_tables: u64,
    max_memories: u64,
    preopens: *const CPreopen,
    preopen_count: usize,
    allowed: Texts,
    memory_high_water: *mut u64,
    expired: Option<extern "C" fn(u8)>,
}

#[repr(C)]
pub struct CCompilation {
    compile_us: i64,
    loaded: bool,
    stored: bool,
    compiler: Text,
}

#[repr(C)]
pub struct CSource {
    name: Text,
    bytes: *const u8,
    size: usize,
    artefact: u8,
    artefact_fd: i32,
}

#[repr(C)]
pub struct CRequest {
    args: Texts,
    env: Texts,
    invoke: Text,
    values: Texts,
    fuel: u64,
    deadline_us: i64,
    cpu_us: i64,
    memory: u64,
    captured: bool,
    input: Text,
    output: u64,
}

#[repr(C)]
pub struct CProblem {
    message: Text,
    place: Text,
    hint: Text,
}

/// The C part comes first, so that a pointer to it is a pointer to the whole.
#[repr(C)]
pub struct CResult {
    end: u8,
    fuel_counted: bool,
    loaded: bool,
    stored: bool,
    exit_code: u32,
    trap: Text,
    message: Text,
    problems: *const CProblem,
    problem_count: usize,
    fuel_used: u64,
    memory_high_water: u64,
    compile_us: i64,
    compiler: Text,
    backtrace: Texts,
    denied: Texts,
    out: Text,
    err: Text,
    out_bytes: u64,
    err_bytes: u64,
    // ---- not in the header: what the pointers above point into
    _report: Box<Report>,
    _problems: Vec<CProblem>,
    _backtrace: Vec<Text>,
    _denied: Vec<Text>,
}

fn text(value: &str) -> Text {
    Text::new(value.as_bytes())
}

fn texts(values: &[Text]) -> Texts {
    Texts { items: values.as_ptr(), count: values.len() }
}

fn result(report: Report) -> *mut CResult {
    let report = Box::new(report);
    let shown = |problem: &Problem| CProblem {
        message: text(&problem.message),
        place: text(&problem.place),
        hint: text(&problem.hint),
    };
    let problems: Vec<CProblem> = report.problems.iter().map(shown).collect();
    let backtrace: Vec<Text> = report.backtrace.iter().map(|line| text(line)).collect();
    let denied: Vec<Text> = report.denied.iter().map(|line| text(line)).collect();
    Box::into_raw(Box::new(CResult {
        end: report.end as u8,
        fuel_counted: report.fuel_used.is_some(),
        loaded: report.compiled.loaded,
        stored: report.compiled.stored,
        exit_code: report.exit_code,
        trap: text(&report.trap),
        message: text(&report.message),
        problems: problems.as_ptr(),
        problem_count: problems.len(),
        fuel_used: report.fuel_used.unwrap_or(0),
        memory_high_water: report.memory_high_water,
        compile_us: report.compiled.micros,
        compiler: text(report.compiled.compiler),
        backtrace: texts(&backtrace),
        denied: texts(&denied),
        out: Text::new(&report.out),
        err: Text::new(&report.err),
        out_bytes: report.out_bytes,
        err_bytes: report.err_bytes,
        _report: report,
        _problems: problems,
        _backtrace: backtrace,
        _denied: denied,
    }))
}

/// NULL when it worked.
fn deliver<T>(outcome: Result<T, Report>, place: *mut *mut T) -> *mut CResult {
    match outcome {
        Ok(value) => {
            // SAFETY: the caller's promise.
            unsafe { *place = Box::into_raw(Box::new(value)) };
            std::ptr::null_mut()
        }
        Err(report) => result(report),
    }
}

fn compiler(value: u8) -> Compiler {
    match value {
        1 => Compiler::Cranelift,
        2 => Compiler::Winch,
        _ => Compiler::Auto,
    }
}

fn artefact(value: u8) -> Artefact {
    match value {
        1 => Artefact::Load,
        2 => Artefact::Store,
        _ => Artefact::None,
    }
}

unsafe fn settings(c: &CSettings) -> Settings {
    // SAFETY: the caller's promise, for each pointer.
    unsafe {
        let preopens = slice(c.preopens, c.preopen_count).iter().map(|preopen| Preopen {
            inside: preopen.inside.text().into_owned(),
            guest: preopen.guest.text().into_owned(),
            writable: preopen.writable,
        });
        Settings {
            serve: c.serve,
            describe: c.describe,
            wasi: c.wasi,
            count_fuel: c.count_fuel,
            network: c.network,
            compiler: compiler(c.compiler),
            features: c.features,
            capabilities: c.capabilities,
            max_memory: c.max_memory,
            stack_size: c.stack_size,
            max_table_elements: c.max_table_elements,
            max_instances: c.max_instances,
            max_tables: c.max_tables,
            max_memories: c.max_memories,
            preopens: preopens.collect(),
            allowed: c.allowed.strings(),
            memory_high_water: match c.memory_high_water.is_null() {
                true => None,
                false => Some(AtomicU64::from_ptr(c.memory_high_water)),
            },
            expired: c.expired,
        }
    }
}

fn with_source<R>(c: &CSource, use_it: impl FnOnce(&Source) -> R) -> R {
    // SAFETY: the caller's promise.
    let (name, bytes) = unsafe { (c.name.text(), slice(c.bytes, c.size)) };
    let artefact = artefact(c.artefact);
    use_it(&Source { name: &name, bytes, artefact, artefact_fd: c.artefact_fd })
}

unsafe fn request(c: &CRequest) -> Request {
    // SAFETY: the caller's promise, for each pointer.
    unsafe {
        Request {
            args: c.args.strings(),
            env: c.env.strings(),
            invoke: c.invoke.text().into_owned(),
            values: c.values.strings(),
            fuel: c.fuel,
            deadline_us: c.deadline_us,
            cpu_us: c.cpu_us,
            memory: c.memory,
            streams: match c.captured {
                false => Streams::Descriptors,
                true => Streams::Memory { input: c.input.bytes().to_vec(), output: c.output },
            },
        }
    }
}

unsafe fn free<T>(value: *mut T) {
    if !value.is_null() {
        // SAFETY: it came from Box::into_raw and is given back once.
        drop(unsafe { Box::from_raw(value) });
    }
}

/// # Safety
/// As in the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sandpit_wasm_host_new(
    c: &CSettings,
    host: *mut *mut Host,
) -> *mut CResult {
    // SAFETY: the caller's promise.
    deliver(Host::new(unsafe { settings(c) }), host)
}

/// # Safety
/// As in the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sandpit_wasm_host_free(host: *mut Host) {
    // SAFETY: the caller's promise.
    unsafe { free(host) }
}

/// # Safety
/// As in the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sandpit_wasm_guard(
    host: &Host,
    deadline_us: i64,
    cpu_us: i64,
    expired: Option<extern "C" fn(u8)>,
) -> bool {
    host.watchdog.arm(None, deadline_us, cpu_us, expired).is_ok()
}

/// # Safety
/// As in the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sandpit_wasm_load(
    host: &mut Host,
    c: &CSource,
    program: *mut *mut Program,
) -> *mut CResult {
    deliver(with_source(c, |source| load::load(host, source)), program)
}

/// # Safety
/// As in the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sandpit_wasm_program_free(program: *mut Program) {
    // SAFETY: the caller's promise.
    unsafe { free(program) }
}

/// # Safety
/// As in the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sandpit_wasm_compilation_of(
    program: &Program,
    compilation: &mut CCompilation,
) {
    let Compiled { micros, loaded, stored, compiler } = program.compiled;
    *compilation = CCompilation { compile_us: micros, loaded, stored, compiler: text(compiler) };
}

/// # Safety
/// As in the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sandpit_wasm_link(host: &Host, program: &mut Program) -> *mut CResult {
    match link::link(host, program) {
        Ok(()) => std::ptr::null_mut(),
        Err(report) => result(Report { compiled: program.compiled.clone(), ..report }),
    }
}

/// # Safety
/// As in the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sandpit_wasm_run(
    host: &Host,
    program: &mut Program,
    c: &CRequest,
) -> *mut CResult {
    // SAFETY: the caller's promise.
    result(run::run(host, program, unsafe { request(c) }))
}

/// # Safety
/// As in the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sandpit_wasm_describe(
    host: &Host,
    program: &mut Program,
    c: &CSource,
) -> *mut CResult {
    let out = with_source(c, |source| describe::describe(host, program, source)).into_bytes();
    let compiled = program.compiled.clone();
    result(Report { end: End::Exited, out, compiled, ..Report::default() })
}

/// # Safety
/// As in the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sandpit_wasm_result_free(result: *mut CResult) {
    // SAFETY: the caller's promise.
    unsafe { free(result) }
}
