//! What one run may allocate, and the account of it.

use crate::settings::Settings;
use std::sync::atomic::{AtomicU64, Ordering};
use wasmtime::ResourceLimiter;

/// A table's element is a pointer.
const TABLE_ELEMENT: u64 = 8;

/// A growth, or an initial size, that was refused.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// "memory of 1048576 bytes", "table of 70 elements", with the limit: a clause.
    pub what: String,
    /// At the start, before any code of the guest.
    pub initial: bool,
}

pub struct Limits {
    max_memory: u64,
    total: u64,
    max_table_elements: u64,
    instances: usize,
    tables: usize,
    memories: usize,
    /// Of memories and tables together.
    used: u64,
    memory: u64,
    /// Granted last; taken back when the growth fails all the same.
    granted: (u64, u64),
    pub high_water: u64,
    live: Option<&'static AtomicU64>,
    pub refused: Option<Refusal>,
}

fn count(limit: u64) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

impl Limits {
    /// `total`: bytes of all memories and tables together, 0 for no limit.
    pub fn new(settings: &Settings, total: u64) -> Limits {
        if let Some(live) = settings.memory_high_water {
            live.store(0, Ordering::Relaxed);
        }
        Limits {
            max_memory: settings.max_memory,
            total: if total == 0 { u64::MAX } else { total },
            max_table_elements: settings.max_table_elements,
            instances: count(settings.max_instances),
            tables: count(settings.max_tables),
            memories: count(settings.max_memories),
            used: 0,
            memory: 0,
            granted: (0, 0),
            high_water: 0,
            live: settings.memory_high_water,
            refused: None,
        }
    }

    fn refuse(&mut self, what: String, initial: bool) -> wasmtime::Result<bool> {
        self.refused = Some(Refusal { what, initial });
        Ok(false)
    }

    fn grant(&mut self, bytes: u64, memory: u64) -> bool {
        if self.used.saturating_add(bytes) > self.total {
            return false;
        }
        self.used += bytes;
        self.memory += memory;
        self.granted = (bytes, memory);
        if self.memory > self.high_water {
            self.high_water = self.memory;
            if let Some(live) = self.live {
                live.store(self.high_water, Ordering::Relaxed);
            }
        }
        true
    }

    fn take_back(&mut self) {
        self.used -= self.granted.0;
        self.memory -= self.granted.1;
        self.granted = (0, 0);
    }
}

impl ResourceLimiter for Limits {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.granted = (0, 0);
        let (current, desired) = (current as u64, desired as u64);
        let initial = current == 0;
        if desired > self.max_memory {
            let limit = self.max_memory;
            return self.refuse(
                format!("a memory of {desired} bytes (max_memory_pages and memory_limit_mb allow {limit} bytes)"),
                initial,
            );
        }
        if maximum.is_some_and(|maximum| desired > maximum as u64) {
            return Ok(false); // the module's own limit
        }
        let growth = desired.saturating_sub(current);
        if self.grant(growth, growth) {
            return Ok(true);
        }
        let (used, total) = (self.used, self.total);
        self.refuse(
            format!("{growth} bytes more than {used} bytes (memory_limit_mb allows {total} bytes)"),
            initial,
        )
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.take_back();
        Ok(())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.granted = (0, 0);
        let (current, desired) = (current as u64, desired as u64);
        let initial = current == 0;
        if desired > self.max_table_elements {
            let limit = self.max_table_elements;
            return self.refuse(
                format!("a table of {desired} elements (max_table_elements allows {limit})"),
                initial,
            );
        }
        if maximum.is_some_and(|maximum| desired > maximum as u64) {
            return Ok(false);
        }
        let growth = desired.saturating_sub(current).saturating_mul(TABLE_ELEMENT);
        if self.grant(growth, 0) {
            return Ok(true);
        }
        let total = self.total;
        self.refuse(
            format!("a table of {desired} elements (memory_limit_mb allows {total} bytes)"),
            initial,
        )
    }

    fn table_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.take_back();
        Ok(())
    }

    fn instances(&self) -> usize {
        self.instances
    }
    fn tables(&self) -> usize {
        self.tables
    }
    fn memories(&self) -> usize {
        self.memories
    }
}
