//! From bytes to a compiled program: text, validation, compilation, the artefact.

use crate::engine::{Host, choose};
use crate::features;
use crate::link::{Linked, Linkers};
use crate::report::{Compiled, End, Problem, Report};
use crate::settings::{Artefact, Compiler, Settings, Source};
use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{FromRawFd, OwnedFd};
use std::path::Path;
use std::rc::Rc;
use std::time::Instant;
use wasmtime::Module;
use wasmtime::component::Component;

#[derive(Clone)]
pub enum Code {
    Module(Module),
    Component(Component),
}

pub struct Program {
    pub name: String,
    pub code: Code,
    pub linkers: Rc<Linkers>,
    pub linked: Option<Linked>,
    /// What the largest shared memory may grow to, bytes.
    pub largest_shared: u64,
    /// Told with the first run.
    pub compiled: Compiled,
}

const MAGIC: &[u8] = b"\0asm";
const HEADER: usize = 8;
/// The parser looks for the end of the line at each instruction: 10 MB in one line took 80 seconds.
/// Text with longer lines was made by a machine, and gets no line numbers in its backtraces.
const LONGEST_LINE: usize = 16 << 10;

pub fn load(host: &mut Host, source: &Source) -> Result<Program, Report> {
    let began = Instant::now();
    let threads = features::threads(host.settings.features);
    if source.artefact == Artefact::Load
        && let Some(mut program) = load_artefact(host, source)
    {
        if threads {
            program.largest_shared = features::largest_shared_memory(&binary_of(source)?);
        }
        return Ok(program);
    }
    let binary = binary_of(source)?;
    check_header(source, &binary, &host.settings)?;
    let (code, linkers, compiler) = compile(host, source, &binary)?;
    let mut compiled = Compiled { compiler, ..Compiled::default() };
    compiled.micros = elapsed(began);
    if source.artefact == Artefact::Store {
        compiled.stored = store(&code, source.artefact_fd).is_ok();
    }
    let largest_shared = if threads { features::largest_shared_memory(&binary) } else { 0 };
    let name = source.name.to_owned();
    Ok(Program { name, code, linkers, linked: None, largest_shared, compiled })
}

fn elapsed(began: Instant) -> i64 {
    i64::try_from(began.elapsed().as_micros()).unwrap_or(i64::MAX)
}

/// The module in its binary form; text is translated, with line information for backtraces.
pub fn binary_of<'a>(source: &Source<'a>) -> Result<Cow<'a, [u8]>, Report> {
    let bytes = source.bytes;
    let invalid =
        |message: String| Report::of(End::Invalid, vec![Problem::new(message).at(source.name)]);
    if bytes.is_empty() {
        return Err(invalid("the file is empty".into()));
    }
    if bytes.starts_with(MAGIC) {
        return Ok(Cow::Borrowed(bytes));
    }
    if MAGIC.starts_with(bytes) {
        return Err(invalid(format!("the file is truncated: it has {} bytes", bytes.len())));
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => text,
        _ => {
            let start: Vec<String> =
                bytes.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
            return Err(invalid(format!(
                "not WebAssembly: it starts with the bytes {}, a module with 00 61 73 6d",
                start.join(" ")
            )));
        }
    };
    let mut parser = wat::Parser::new();
    if text.lines().all(|line| line.len() <= LONGEST_LINE) {
        parser.generate_dwarf(wat::GenerateDwarf::Lines);
    }
    match parser.parse_str(Some(Path::new(source.name)), text) {
        Ok(binary) => Ok(Cow::Owned(binary)),
        Err(error) => {
            Err(Report::of(End::Invalid, vec![syntax_error(&error.to_string(), source.name)]))
        }
    }
}

/// Takes the message apart: "what\n     --> file:1:2\n      |\n    1 | (\n      |  ^".
fn syntax_error(text: &str, name: &str) -> Problem {
    let mut lines = text.lines();
    let mut message = lines.next().unwrap_or("not valid WebAssembly text").to_owned();
    let mut place = name.to_owned();
    for line in lines {
        match line.trim_start().strip_prefix("--> ") {
            Some(found) => place = found.to_owned(),
            None => {
                message.push('\n');
                message.push_str(line);
            }
        }
    }
    Problem::new(message).at(place)
}

/// Magic, version and layer.
fn check_header(source: &Source, binary: &[u8], settings: &Settings) -> Result<(), Report> {
    let invalid = |problem: Problem| Err(Report::of(End::Invalid, vec![problem]));
    if binary.len() < HEADER {
        return invalid(
            Problem::new(format!("the file is truncated: it has {} bytes", binary.len()))
                .at(source.name),
        );
    }
    match &binary[4..HEADER] {
        [1, 0, 0, 0] => Ok(()),
        [_, _, 1, 0] => {
            let component = features::FEATURES.iter().find(|f| f.key == "allow_component_model");
            match component {
                Some(feature) if !features::is_on(feature, settings.features) => {
                    invalid(off(feature, source.name))
                }
                _ => Ok(()),
            }
        }
        [low, high, ..] => invalid(
            Problem::new(format!(
                "unknown version {} of WebAssembly",
                u16::from_le_bytes([*low, *high])
            ))
            .at(format!("{}: offset 0x4", source.name)),
        ),
        _ => Ok(()),
    }
}

pub fn is_component(binary: &[u8]) -> bool {
    binary.len() >= HEADER && binary[6..HEADER] == [1, 0]
}

fn off(feature: &features::Feature, name: &str) -> Problem {
    Problem::new(format!("needs the {} proposal, which is off", feature.name))
        .at(name)
        .hint(format!("{} = true in [runtimes.wasm]", feature.key))
}

type CompiledCode = (Code, Rc<Linkers>, &'static str);

fn compile(host: &mut Host, source: &Source, binary: &[u8]) -> Result<CompiledCode, Report> {
    let first = choose(&host.settings, binary.len(), source.artefact);
    if first == Compiler::Winch
        && let Ok(linkers) = host.engine(Compiler::Winch)
        && let Ok(code) = compile_with(&linkers, binary)
    {
        return Ok((code, linkers, "winch"));
    }
    let linkers = host.engine(Compiler::Cranelift).map_err(|error| Report::internal(&error))?;
    match compile_with(&linkers, binary) {
        Ok(code) => Ok((code, linkers, "cranelift")),
        Err(error) => Err(explain(&error, source.name, binary, host.settings.features)),
    }
}

fn compile_with(linkers: &Linkers, binary: &[u8]) -> wasmtime::Result<Code> {
    Ok(match is_component(binary) {
        true => Code::Component(Component::from_binary(&linkers.engine, binary)?),
        false => Code::Module(Module::from_binary(&linkers.engine, binary)?),
    })
}

/// Wasmtime has validated already; this validates once more to tell where and why.
fn explain(error: &wasmtime::Error, name: &str, binary: &[u8], bits: u32) -> Report {
    let Err(failure) = features::validate(binary, bits) else {
        let cause = error.root_cause().to_string();
        if cause.contains("exceeds the limit") {
            // What a pool can't hold is found here, not at the start of a run.
            return Report::new(End::Memory, format!("it needs more than it may: {cause}"));
        }
        return Report::of(
            End::Invalid,
            vec![Problem::new(format!("can't be compiled: {cause}")).at(name)],
        );
    };
    let missing = features::missing(binary, bits);
    if !missing.is_empty() {
        let problems = missing.into_iter().map(|feature| off(feature, name)).collect();
        return Report::of(End::Invalid, problems);
    }
    let offset = failure.offset;
    let message = match failure.function {
        Some(index) => format!("function {index}: {}", failure.message),
        None => failure.message,
    };
    Report::of(End::Invalid, vec![Problem::new(message).at(format!("{name}: offset {offset:#x}"))])
}

fn duplicate(fd: i32) -> io::Result<OwnedFd> {
    // SAFETY: a fresh descriptor that nobody else owns.
    match unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 3) } {
        -1 => Err(io::Error::last_os_error()),
        copy => Ok(unsafe { OwnedFd::from_raw_fd(copy) }),
    }
}

/// None when it does not fit this build, these settings or this machine.
fn load_artefact(host: &mut Host, source: &Source) -> Option<Program> {
    let compilers: &[Compiler] = match host.settings.compiler {
        Compiler::Winch => &[Compiler::Winch, Compiler::Cranelift],
        _ => &[Compiler::Cranelift],
    };
    for &compiler in compilers {
        let Ok(linkers) = host.engine(compiler) else { continue };
        let Some(code) = deserialize(&linkers, source.artefact_fd) else { continue };
        let compiled = Compiled {
            micros: 0, // nothing was compiled
            loaded: true,
            stored: false,
            compiler: if compiler == Compiler::Winch { "winch" } else { "cranelift" },
        };
        let name = source.name.to_owned();
        return Some(Program { name, code, linkers, linked: None, largest_shared: 0, compiled });
    }
    None
}

fn deserialize(linkers: &Linkers, fd: i32) -> Option<Code> {
    let engine = &linkers.engine;
    let file = File::from(duplicate(fd).ok()?);
    // SAFETY: the trusted side gives only what a worker of this build has compiled and sealed.
    if let Ok(module) = unsafe { Module::deserialize_open_file(engine, file) } {
        return Some(Code::Module(module));
    }
    // Components have no call that takes an open file, and /proc/self/fd may be missing here.
    let bytes = read_all(fd).ok()?;
    // SAFETY: as above.
    unsafe { Component::deserialize(engine, bytes) }.ok().map(Code::Component)
}

fn read_all(fd: i32) -> io::Result<Vec<u8>> {
    use std::os::unix::fs::FileExt;
    let file = File::from(duplicate(fd)?);
    let size = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    let mut bytes = vec![0; size];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

/// Writes the artefact and seals it, before any code of the guest can run in this process.
fn store(code: &Code, fd: i32) -> wasmtime::Result<()> {
    let written = write(code, fd);
    if written.is_err() {
        // Half of one is none; it is sealed all the same, so that no guest can finish it.
        // SAFETY: no memory is involved.
        unsafe { libc::ftruncate(fd, 0) };
    }
    let seals = libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_WRITE | libc::F_SEAL_SEAL;
    // SAFETY: no memory is involved.
    if unsafe { libc::fcntl(fd, libc::F_ADD_SEALS, seals) } != 0 {
        return Err(io::Error::last_os_error().into());
    }
    written
}

fn write(code: &Code, fd: i32) -> wasmtime::Result<()> {
    let bytes = match code {
        Code::Module(module) => module.serialize()?,
        Code::Component(component) => component.serialize()?,
    };
    File::from(duplicate(fd)?).write_all(&bytes)?;
    Ok(())
}
