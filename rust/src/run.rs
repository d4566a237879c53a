//! One run: a fresh store, the call, and what came of it.

use crate::engine::Host;
use crate::invoke::{self, UsageError};
use crate::limits::Refusal;
use crate::link::Linked;
use crate::load::Program;
use crate::report::{End, Problem, Report};
use crate::settings::Request;
use crate::stdio::Output;
use crate::traps;
use crate::types;
use crate::wasi::{self, Outputs, State};
use crate::watchdog::{Fired, clock_us};
use std::time::Duration;
use wasmtime::component::{self, types::ComponentItem};
use wasmtime::{InstancePre, Store, ThrownException, Trap};
use wasmtime_wasi::I32Exit;

pub fn run(host: &Host, program: &mut Program, mut request: Request) -> Report {
    let outputs = Outputs::new(&request.streams);
    let mut report = execute(host, program, &mut request, &outputs);
    report.denied = host.network.finish();
    if let (Output::Memory(out), Output::Memory(err)) = (&outputs.out, &outputs.err) {
        (report.out, report.out_bytes) = out.finish();
        (report.err, report.err_bytes) = err.finish();
    }
    report.compiled = std::mem::take(&mut program.compiled);
    report
}

fn execute(host: &Host, program: &Program, request: &mut Request, outputs: &Outputs) -> Report {
    let Some(linked) = &program.linked else {
        return Report::new(End::Internal, "the program is not linked");
    };
    if request.fuel > 0 && !host.settings.count_fuel {
        return Report::new(End::Internal, "this worker does not count fuel");
    }
    if let Err(report) = entry(program, request) {
        return report;
    }
    let state = match wasi::state(&host.settings, &host.network, request, outputs) {
        Ok(state) => state,
        Err(error) => return Report::internal(&error),
    };
    let engine = &program.linkers.engine;
    let mut store = Store::new(engine, state);
    store.limiter(|state| &mut state.limits);
    let fuel = if request.fuel > 0 { request.fuel } else { u64::MAX };
    if host.settings.count_fuel
        && let Err(error) = store.set_fuel(fuel)
    {
        return Report::internal(&error);
    }
    if host.settings.expired.is_none() {
        store.set_epoch_deadline(1);
    }
    let expired = host.settings.expired;
    if let Err(error) =
        host.watchdog.arm(Some(engine), request.deadline_us, request.cpu_us, expired)
    {
        return Report::internal(&error.into());
    }
    let call = async {
        match linked {
            Linked::Module(pre) => core(&mut store, pre, request, &outputs.out).await,
            Linked::Component(pre) => {
                component(&mut store, pre, program, request, &outputs.out).await
            }
        }
    };
    let result = host.runtime.block_on(before(request.deadline_us, call));
    let fired = host.watchdog.disarm();
    let mut report = conclude(result, fired, &store, &program.name);
    if request.fuel > 0 {
        report.fuel_used = store.get_fuel().ok().map(|left| fuel.saturating_sub(left));
    }
    report.memory_high_water = store.data().limits.high_water;
    report
}

/// None: the deadline came while the guest waited in a call of the host.
async fn before<T>(deadline_us: i64, call: impl Future<Output = T>) -> Option<T> {
    if deadline_us == 0 {
        return Some(call.await);
    }
    let left = (deadline_us - clock_us(libc::CLOCK_MONOTONIC)).max(0) as u64;
    tokio::time::timeout(Duration::from_micros(left), call).await.ok()
}

async fn core(
    store: &mut Store<State>,
    pre: &InstancePre<State>,
    request: &Request,
    out: &Output,
) -> wasmtime::Result<u32> {
    let instance = pre.instantiate_async(&mut *store).await?;
    if request.invoke.is_empty() {
        let start = instance.get_typed_func::<(), ()>(&mut *store, "_start")?;
        start.call_async(store, ()).await?;
        return Ok(0);
    }
    if let Ok(initialize) = instance.get_typed_func::<(), ()>(&mut *store, "_initialize") {
        initialize.call_async(&mut *store, ()).await?;
    }
    invoke::core(store, &instance, request, out).await?;
    Ok(0)
}

async fn component(
    store: &mut Store<State>,
    pre: &component::InstancePre<State>,
    program: &Program,
    request: &Request,
    out: &Output,
) -> wasmtime::Result<u32> {
    let instance = pre.instantiate_async(&mut *store).await?;
    if !request.invoke.is_empty() {
        invoke::component(store, &instance, pre.component(), request, out).await?;
        return Ok(0);
    }
    let interface = invoke::run_interface(pre.component(), &program.linkers.engine)
        .and_then(|name| instance.get_export_index(&mut *store, None, &name))
        .and_then(|index| instance.get_export_index(&mut *store, Some(&index), "run"));
    let index =
        interface.ok_or_else(|| wasmtime::Error::msg("wasi:cli/run has no function run"))?;
    let run = instance.get_typed_func::<(), (Result<(), ()>,)>(&mut *store, index)?;
    let (result,) = run.call_async(store, ()).await?;
    Ok(u32::from(result.is_err()))
}

/// There is something to call, and it can be called.
fn entry(program: &Program, request: &Request) -> Result<(), Report> {
    use crate::load::Code;
    let engine = &program.linkers.engine;
    if !request.invoke.is_empty() {
        return invoke::check(program, request);
    }
    let refused = |message: String| {
        let problem = Problem::new(message).hint("--invoke NAME");
        Err(Report::of(End::Refused, vec![problem]))
    };
    match &program.code {
        Code::Module(module) => match module.get_export("_start") {
            Some(wasmtime::ExternType::Func(ty))
                if ty.params().len() == 0 && ty.results().len() == 0 =>
            {
                Ok(())
            }
            Some(other) => refused(format!("its _start is {}, not ()", types::external(&other))),
            None => refused(format!("no entry point _start; {}", invoke::exports(program))),
        },
        Code::Component(component) => match invoke::run_interface(component, engine) {
            Some(name) => match component.component_type().get_export(engine, &name) {
                Some(found) if matches!(found.ty, ComponentItem::ComponentInstance(_)) => Ok(()),
                _ => refused(format!("{name} is not an interface")),
            },
            None => refused(format!("no entry point wasi:cli/run; {}", invoke::exports(program))),
        },
    }
}

fn conclude(
    result: Option<wasmtime::Result<u32>>,
    fired: Option<Fired>,
    store: &Store<State>,
    name: &str,
) -> Report {
    let error = match result {
        None => return Report::new(End::Deadline, "the deadline came while the program waited"),
        Some(Ok(code)) => return Report { exit_code: code, ..Report::new(End::Exited, "") },
        Some(Err(error)) => error,
    };
    if let Some(I32Exit(code)) = error.downcast_ref() {
        return Report { exit_code: *code as u32, ..Report::new(End::Exited, "") };
    }
    if let Some(UsageError(problem)) = error.downcast_ref() {
        return Report::of(End::Usage, vec![problem.clone()]);
    }
    let backtrace = traps::backtrace(&error, name);
    let refused = store.data().limits.refused.as_ref();
    let mut report = match error.downcast_ref::<Trap>() {
        Some(Trap::Interrupt) => match fired {
            Some(Fired::CpuTime) => Report::new(End::CpuTime, "its CPU time is used up"),
            _ => Report::new(End::Deadline, "the deadline came while the program computed"),
        },
        Some(trap) => trapped(*trap, refused),
        None if error.downcast_ref::<ThrownException>().is_some() => Report {
            trap: "uncaught_exception".into(),
            ..Report::new(End::Trapped, "an exception was thrown and not caught")
        },
        None => failed(&error, refused, backtrace.is_empty()),
    };
    report.backtrace = backtrace;
    report
}

fn trapped(trap: Trap, refused: Option<&Refusal>) -> Report {
    let follows_refusal = matches!(
        trap,
        Trap::UnreachableCodeReached
            | Trap::MemoryOutOfBounds
            | Trap::TableOutOfBounds
            | Trap::NullReference
            | Trap::AllocationTooLarge
    );
    let text = trap.to_string();
    let text = text.strip_prefix("wasm trap: ").unwrap_or(&text);
    let mut report = match refused {
        Some(refusal) if follows_refusal => {
            let what = &refusal.what;
            Report::new(End::Memory, format!("{text}, after it was refused {what}"))
        }
        _ => Report::of(End::Trapped, vec![Problem::new(text).hint(setting_of(trap))]),
    };
    report.trap = traps::name(trap);
    report
}

/// The setting whose limit the trap is.
fn setting_of(trap: Trap) -> &'static str {
    match trap {
        Trap::OutOfFuel => "fuel in [runtimes.wasm]",
        Trap::StackOverflow => "stack_size in [runtimes.wasm]",
        _ => "",
    }
}

/// An error that is no trap: at the start, or in a call of the host.
fn failed(error: &wasmtime::Error, refused: Option<&Refusal>, before_code: bool) -> Report {
    if let Some(refusal) = refused
        && refusal.initial
        && before_code
    {
        return Report::new(End::Memory, format!("it needs {} at its start", refusal.what));
    }
    let cause = error.root_cause().to_string();
    if before_code {
        let problem = Problem::new(format!("can't be instantiated: {cause}"));
        let hint = match cause.as_str() {
            text if text.contains("instance count") => "max_instances in [runtimes.wasm]",
            text if text.contains("table count") => "max_tables in [runtimes.wasm]",
            text if text.contains("memory count") => "max_memories in [runtimes.wasm]",
            _ => "",
        };
        return Report::of(End::Refused, vec![problem.hint(hint)]);
    }
    Report { trap: "host_error".into(), ..Report::new(End::Trapped, cause) }
}
