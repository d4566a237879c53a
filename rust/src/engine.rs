//! The host: its settings and its engines, each made when it is first needed.

use crate::features::{self, FEATURES};
use crate::link::Linkers;
use crate::network::Network;
use crate::report::Report;
use crate::settings::{Artefact, Compiler, Settings};
use crate::watchdog::Watchdog;
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::sync::Arc;
use wasmparser::WasmFeatures;
use wasmtime::{
    Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Strategy,
    WasmBacktraceDetails,
};

/// Above this many bytes of code Cranelift's second per megabyte outweighs what its code gains,
/// when the result can't be kept for the next run.
const LARGE_CODE: usize = 1 << 20;
/// For host functions, which run on the guest's stack.
const HOST_STACK: usize = 1 << 20;
const BACKTRACE_FRAMES: NonZeroUsize = NonZeroUsize::new(32).unwrap();

pub struct Host {
    pub settings: Settings,
    pub runtime: tokio::runtime::Runtime,
    pub watchdog: Watchdog,
    pub network: Arc<Network>,
    cranelift: Option<Rc<Linkers>>,
    winch: Option<Rc<Linkers>>,
}

impl Host {
    pub fn new(settings: Settings) -> Result<Host, Report> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Report::internal(&error.into()))?;
        let network = Arc::new(Network::new(settings.network, &settings.allowed));
        Ok(Host {
            settings,
            runtime,
            watchdog: Watchdog::new(),
            network,
            cranelift: None,
            winch: None,
        })
    }

    pub fn engine(&mut self, compiler: Compiler) -> wasmtime::Result<Rc<Linkers>> {
        let slot = match compiler {
            Compiler::Winch => &mut self.winch,
            _ => &mut self.cranelift,
        };
        if slot.is_none() {
            let engine = Engine::new(&config(&self.settings, compiler))?;
            *slot = Some(Rc::new(Linkers::new(engine)));
        }
        Ok(Rc::clone(slot.as_ref().expect("made above")))
    }
}

/// Which compiler to try first.
pub fn choose(settings: &Settings, size: usize, artefact: Artefact) -> Compiler {
    match settings.compiler {
        Compiler::Auto if settings.describe => Compiler::Winch,
        Compiler::Auto if size > LARGE_CODE && artefact == Artefact::None => Compiler::Winch,
        Compiler::Auto => Compiler::Cranelift,
        chosen => chosen,
    }
}

fn config(settings: &Settings, compiler: Compiler) -> Config {
    let mut config = Config::new();
    let winch = compiler == Compiler::Winch;
    config.strategy(if winch { Strategy::Winch } else { Strategy::Cranelift });
    // Winch refuses to be given these, whatever the module uses.
    let beyond_winch = WasmFeatures::GC
        | WasmFeatures::FUNCTION_REFERENCES
        | WasmFeatures::RELAXED_SIMD
        | WasmFeatures::TAIL_CALL
        | WasmFeatures::EXCEPTIONS;
    for feature in &FEATURES {
        let possible = !winch || !feature.flags.intersects(beyond_winch);
        let on = possible && features::is_on(feature, settings.features);
        config.wasm_features(feature.flags, on);
    }
    config.shared_memory(features::threads(settings.features));
    config.relaxed_simd_deterministic(!winch);
    config.concurrency_support(false);

    config.epoch_interruption(settings.expired.is_none());
    config.consume_fuel(settings.count_fuel);
    let stack = usize::try_from(settings.stack_size).unwrap_or(usize::MAX).clamp(16 << 10, 1 << 30);
    config.max_wasm_stack(stack);
    config.async_stack_size(stack + HOST_STACK);

    config.wasm_backtrace_max_frames(Some(BACKTRACE_FRAMES));
    config.wasm_backtrace_details(WasmBacktraceDetails::Enable);
    config.native_unwind_info(false);
    config.parallel_compilation(true);
    config.memory_init_cow(true);
    if settings.serve {
        let pool = pool(settings);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    }
    config
}

/// One guest runs at a time: room for the largest program that the limits allow, within reason.
fn pool(settings: &Settings) -> PoolingAllocationConfig {
    const MOST: u32 = 100;
    const KEEP_RESIDENT: usize = 1 << 20;
    let at_most = |limit: u64| u32::try_from(limit).unwrap_or(MOST).clamp(1, MOST);
    let size = |limit: u64, most: u64| limit.clamp(1, most) as usize;
    let mut pool = PoolingAllocationConfig::new();
    let memories = at_most(settings.max_memories);
    let tables = at_most(settings.max_tables);
    let instances = at_most(settings.max_instances);
    pool.total_memories(memories);
    pool.max_memories_per_module(memories);
    pool.max_memories_per_component(memories);
    pool.total_tables(tables);
    pool.max_tables_per_module(tables);
    pool.max_tables_per_component(tables);
    pool.total_core_instances(instances);
    pool.max_core_instances_per_component(instances);
    pool.total_component_instances(4);
    pool.total_stacks(4);
    pool.total_gc_heaps(4);
    pool.max_core_instance_size(16 << 20);
    pool.max_component_instance_size(16 << 20);
    pool.max_memory_size(size(settings.max_memory, 4 << 30));
    pool.table_elements(size(settings.max_table_elements, 10_000_000));
    pool.linear_memory_keep_resident(KEEP_RESIDENT);
    pool.table_keep_resident(64 << 10);
    pool.async_stack_keep_resident(64 << 10);
    pool
}
