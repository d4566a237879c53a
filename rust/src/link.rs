//! Linkers, made once for each engine, and programs with their imports resolved.

use crate::engine::Host;
use crate::load::{Code, Program};
use crate::lookup;
use crate::report::{End, Problem, Report};
use crate::screen;
use crate::sleep;
use crate::types;
use crate::wasi::State;
use std::cell::OnceCell;
use wasmtime::{Engine, ExternType, InstancePre, Linker, Module, Store, component};
use wasmtime_wasi::{I32Exit, p0, p1, p2};

pub const PREVIEW1: &str = "wasi_snapshot_preview1";
pub const PREVIEW0: &str = "wasi_unstable";

pub struct Linkers {
    pub engine: Engine,
    preview1: OnceCell<Linker<State>>,
    /// Preview 1 and its forerunner, which few modules still import.
    preview0: OnceCell<Linker<State>>,
    component: OnceCell<component::Linker<State>>,
}

#[derive(Clone)]
pub enum Linked {
    Module(InstancePre<State>),
    Component(component::InstancePre<State>),
}

impl Linkers {
    pub fn new(engine: Engine) -> Linkers {
        Linkers {
            engine,
            preview1: OnceCell::new(),
            preview0: OnceCell::new(),
            component: OnceCell::new(),
        }
    }

    fn core(&self, module: &Module) -> wasmtime::Result<&Linker<State>> {
        let old = module.imports().any(|import| import.module() == PREVIEW0);
        let place = if old { &self.preview0 } else { &self.preview1 };
        if let Some(linker) = place.get() {
            return Ok(linker);
        }
        let mut linker = Linker::new(&self.engine);
        linker.allow_shadowing(true);
        p1::add_to_linker_async(&mut linker, |state: &mut State| &mut state.wasi)?;
        sleep::add_to_linker(&mut linker)?;
        exit(&mut linker, PREVIEW1)?;
        if old {
            p0::add_to_linker_async(&mut linker, |state: &mut State| &mut state.wasi)?;
            exit(&mut linker, PREVIEW0)?;
        }
        Ok(place.get_or_init(|| linker))
    }

    fn component(&self) -> wasmtime::Result<&component::Linker<State>> {
        if let Some(linker) = self.component.get() {
            return Ok(linker);
        }
        let mut linker = component::Linker::new(&self.engine);
        linker.allow_shadowing(true);
        p2::add_to_linker_async(&mut linker)?;
        lookup::add_to_linker(&mut linker)?;
        Ok(self.component.get_or_init(|| linker))
    }
}

/// proc_exit with any code; Wasmtime's own takes those from 126 on for errors.
fn exit(linker: &mut Linker<State>, module: &str) -> wasmtime::Result<()> {
    linker.func_wrap(module, "proc_exit", |code: i32| -> wasmtime::Result<()> {
        Err(I32Exit(code).into())
    })?;
    Ok(())
}

pub fn link(host: &Host, program: &mut Program) -> Result<(), Report> {
    if program.linked.is_some() {
        return Ok(());
    }
    let mut problems: Vec<Problem> =
        screen::imports(program, &host.settings).into_iter().filter_map(|i| i.problem).collect();
    problems.extend(screen::shared_memories(program, &host.settings));
    if !problems.is_empty() {
        return Err(Report::of(End::Refused, problems));
    }
    let linkers = &program.linkers;
    let internal = |error: wasmtime::Error| Report::internal(&error);
    program.linked = Some(match &program.code {
        Code::Module(module) if module.imports().len() == 0 => {
            let empty = Linker::new(&linkers.engine);
            Linked::Module(empty.instantiate_pre(module).map_err(internal)?)
        }
        Code::Module(module) => {
            let linker = linkers.core(module).map_err(internal)?;
            Linked::Module(
                linker
                    .instantiate_pre(module)
                    .map_err(|error| mismatches(host, linker, module, &error))?,
            )
        }
        Code::Component(component) => {
            let linker = linkers.component().map_err(internal)?;
            Linked::Component(linker.instantiate_pre(component).map_err(|error| {
                Report::of(End::Refused, vec![Problem::new(format!("{error:#}"))])
            })?)
        }
    });
    Ok(())
}

/// The imports that exist, but of another type.
fn mismatches(
    host: &Host,
    linker: &Linker<State>,
    module: &Module,
    error: &wasmtime::Error,
) -> Report {
    let mut store = Store::new(linker.engine(), State::idle(&host.settings));
    let mut problems = Vec::new();
    for import in module.imports() {
        let Some(found) = linker.get(&mut store, import.module(), import.name()).ok() else {
            continue;
        };
        let found = found.ty(&store);
        let same = match (&found, &import.ty()) {
            (ExternType::Func(found), ExternType::Func(wanted)) => wanted.matches(found),
            _ => false,
        };
        if !same {
            let problem = Problem::new(format!(
                "imports {}.{} as {}, but it is {}",
                import.module(),
                import.name(),
                types::external(&import.ty()),
                types::external(&found)
            ));
            problems.push(problem.at(format!("import {}.{}", import.module(), import.name())));
        }
    }
    if problems.is_empty() {
        problems.push(Problem::new(format!("{error:#}")));
    }
    Report::of(End::Refused, problems)
}
