//! Calls of an exported function with arguments given as text.

use crate::load::{Code, Program};
use crate::report::{End, Problem, Report};
use crate::settings::Request;
use crate::stdio::Output;
use crate::types;
use crate::values;
use crate::wasi::State;
use std::fmt;
use wasmtime::component::types::{ComponentFunc, ComponentItem, Type};
use wasmtime::component::{self, Component};
use wasmtime::{Engine, ExternType, FuncType, Instance, Store, Val};

/// What the user gave does not fit the function.
#[derive(Debug)]
pub struct UsageError(pub Problem);

impl fmt::Display for UsageError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.message)
    }
}

impl std::error::Error for UsageError {}

fn usage(message: String, signature: &str) -> Problem {
    Problem::new(message).hint(format!("it is {signature}"))
}

fn count_problem(name: &str, wanted: usize, given: usize, signature: &str) -> Problem {
    let noun = if wanted == 1 { "argument" } else { "arguments" };
    usage(format!("{name} takes {wanted} {noun}, not {given}"), signature)
}

/// Before anything runs: the function exists and takes these arguments.
pub fn check(program: &Program, request: &Request) -> Result<(), Report> {
    let name = &request.invoke;
    let checked = match &program.code {
        Code::Module(module) => match module.get_export(name) {
            Some(ExternType::Func(ty)) => core_arguments(&ty, request).map(|_| ()),
            Some(other) => Err(Problem::new(format!("{name} is a {}", types::kind(&other)))),
            None => Err(missing(program, name)),
        },
        Code::Component(component) => match find(component, &program.linkers.engine, name) {
            Some(found) => component_arguments(&found.ty, request).map(|_| ()),
            None => Err(missing(program, name)),
        },
    };
    checked.map_err(|problem| Report::of(End::Usage, vec![problem]))
}

fn missing(program: &Program, name: &str) -> Problem {
    Problem::new(format!("no exported function {name}; {}", exports(program)))
}

/// "it exports: add(i32, i32) -> i32, memory (memory)"
pub fn exports(program: &Program) -> String {
    const SHOWN: usize = 20;
    let mut names: Vec<String> = match &program.code {
        Code::Module(module) => {
            module.exports().map(|export| types::export(export.name(), &export.ty())).collect()
        }
        Code::Component(component) => functions(component, &program.linkers.engine)
            .into_iter()
            .map(|f| format!("{}{}", f.name(), types::component_function(&f.ty)))
            .collect(),
    };
    let more = names.len().saturating_sub(SHOWN);
    names.truncate(SHOWN);
    match (names.is_empty(), more) {
        (true, _) => "it exports nothing to call".into(),
        (false, 0) => format!("it exports: {}", names.join(", ")),
        (false, more) => format!("it exports: {} and {more} more", names.join(", ")),
    }
}

fn core_arguments(ty: &FuncType, request: &Request) -> Result<Vec<Val>, Problem> {
    let name = &request.invoke;
    let signature = format!("{name}{}", types::function(ty));
    let given = &request.values;
    if ty.params().len() != given.len() {
        return Err(count_problem(name, ty.params().len(), given.len(), &signature));
    }
    let parse = |(index, (ty, text)): (usize, (wasmtime::ValType, &String))| {
        values::parse(&ty, text).ok_or_else(|| {
            usage(format!("argument {} of {name}: {text:?} is not {ty}", index + 1), &signature)
        })
    };
    ty.params().zip(given).enumerate().map(parse).collect()
}

pub async fn core(
    store: &mut Store<State>,
    instance: &Instance,
    request: &Request,
    out: &Output,
) -> wasmtime::Result<()> {
    let function = instance
        .get_func(&mut *store, &request.invoke)
        .ok_or_else(|| wasmtime::Error::msg("the function is gone"))?;
    let ty = function.ty(&*store);
    let arguments = core_arguments(&ty, request).map_err(UsageError)?;
    let mut results = vec![Val::I32(0); ty.results().len()];
    function.call_async(&mut *store, &arguments, &mut results).await?;
    for result in &results {
        out.put(format!("{}\n", values::print(result)).as_bytes())?;
    }
    Ok(())
}

/// An exported function of a component, of one of its interfaces or of itself.
struct Exported {
    interface: Option<String>,
    function: String,
    ty: ComponentFunc,
}

impl Exported {
    fn name(&self) -> String {
        match &self.interface {
            Some(interface) => format!("{interface}#{}", self.function),
            None => self.function.clone(),
        }
    }
}

fn functions(component: &Component, engine: &Engine) -> Vec<Exported> {
    let mut found = Vec::new();
    for (name, item) in component.component_type().exports(engine) {
        match item.ty {
            ComponentItem::ComponentFunc(ty) => {
                found.push(Exported { interface: None, function: name.to_owned(), ty });
            }
            ComponentItem::ComponentInstance(instance) => {
                for (function, item) in instance.exports(engine) {
                    if let ComponentItem::ComponentFunc(ty) = item.ty {
                        let interface = Some(name.to_owned());
                        found.push(Exported { interface, function: function.to_owned(), ty });
                    }
                }
            }
            _ => {}
        }
    }
    found
}

/// The name of an interface matches whole, without its version, or by its last part.
fn interface_matches(interface: &str, wanted: &str) -> bool {
    let unversioned = interface.split('@').next().unwrap_or(interface);
    let last = unversioned.rsplit('/').next().unwrap_or(unversioned);
    [interface, unversioned, last].contains(&wanted)
}

fn find(component: &Component, engine: &Engine, name: &str) -> Option<Exported> {
    let (interface, function) = match name.rsplit_once('#') {
        Some((interface, function)) => (Some(interface), function),
        None => (None, name),
    };
    functions(component, engine).into_iter().find(|exported| {
        exported.function == function
            && match (interface, &exported.interface) {
                (None, None) => true,
                (Some(wanted), Some(interface)) => interface_matches(interface, wanted),
                _ => false,
            }
    })
}

/// The name under which wasi:cli/run is exported.
pub fn run_interface(component: &Component, engine: &Engine) -> Option<String> {
    let ty = component.component_type();
    let mut names = ty.exports(engine).map(|(name, _)| name);
    names.find(|name| name.starts_with("wasi:cli/run@0.2.")).map(str::to_owned)
}

fn component_value(ty: &Type, text: &str) -> Option<component::Val> {
    // A plain word is taken for a string or a character as it is.
    let plain = !text.starts_with(['"', '\'']);
    match ty {
        Type::String if plain => Some(component::Val::String(text.to_owned())),
        Type::Char if plain && text.chars().count() == 1 => {
            text.chars().next().map(component::Val::Char)
        }
        _ => component::Val::from_wave(ty, text).ok(),
    }
}

fn component_arguments(
    ty: &ComponentFunc,
    request: &Request,
) -> Result<Vec<component::Val>, Problem> {
    let name = &request.invoke;
    let signature = format!("{name}{}", types::component_function(ty));
    let given = &request.values;
    if ty.params().len() != given.len() {
        return Err(count_problem(name, ty.params().len(), given.len(), &signature));
    }
    let parse = |((parameter, ty), text): ((&str, Type), &String)| {
        component_value(&ty, text).ok_or_else(|| {
            let wanted = types::value(&ty);
            usage(format!("argument {parameter} of {name}: {text:?} is not {wanted}"), &signature)
        })
    };
    ty.params().zip(given).map(parse).collect()
}

pub async fn component(
    store: &mut Store<State>,
    instance: &component::Instance,
    component: &Component,
    request: &Request,
    out: &Output,
) -> wasmtime::Result<()> {
    let gone = || wasmtime::Error::msg("the function is gone");
    let engine = component.engine().clone();
    let found = find(component, &engine, &request.invoke).ok_or_else(gone)?;
    let interface = match &found.interface {
        Some(name) => Some(instance.get_export_index(&mut *store, None, name).ok_or_else(gone)?),
        None => None,
    };
    let index = instance
        .get_export_index(&mut *store, interface.as_ref(), &found.function)
        .ok_or_else(gone)?;
    let function = instance.get_func(&mut *store, index).ok_or_else(gone)?;
    let arguments = component_arguments(&found.ty, request).map_err(UsageError)?;
    let mut results = vec![component::Val::Bool(false); found.ty.results().len()];
    function.call_async(&mut *store, &arguments, &mut results).await?;
    for result in &results {
        let text = result.to_wave().unwrap_or_else(|_| "<resource>".into());
        out.put(format!("{text}\n").as_bytes())?;
    }
    Ok(())
}
