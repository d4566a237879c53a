//! The WebAssembly proposals that have a switch, and which of them a module needs.

use wasmparser::WasmFeatures;

pub struct Feature {
    /// Bit number in `Settings::features`.
    pub bit: u32,
    pub name: &'static str,
    /// In `[runtimes.wasm]`.
    pub key: &'static str,
    pub flags: WasmFeatures,
    /// Bits of other features without which this one means nothing.
    needs: u32,
}

const BULK_MEMORY: u32 = 0;
const REFERENCE_TYPES: u32 = 1;
const SIMD: u32 = 2;
const THREADS: u32 = 8;
const GC: u32 = 10;

const fn feature(
    bit: u32,
    name: &'static str,
    key: &'static str,
    flags: WasmFeatures,
    needs: u32,
) -> Feature {
    Feature { bit, name, key, flags, needs }
}

pub const FEATURES: [Feature; 11] = [
    feature(BULK_MEMORY, "bulk memory", "allow_bulk_memory", WasmFeatures::BULK_MEMORY, 0),
    feature(
        REFERENCE_TYPES,
        "reference types",
        "allow_reference_types",
        WasmFeatures::REFERENCE_TYPES,
        0,
    ),
    feature(SIMD, "SIMD", "allow_simd", WasmFeatures::SIMD, 0),
    feature(3, "relaxed SIMD", "allow_relaxed_simd", WasmFeatures::RELAXED_SIMD, 1 << SIMD),
    feature(4, "multi-memory", "allow_multi_memory", WasmFeatures::MULTI_MEMORY, 0),
    feature(5, "memory64", "allow_memory64", WasmFeatures::MEMORY64, 0),
    feature(6, "tail call", "allow_tail_calls", WasmFeatures::TAIL_CALL, 0),
    feature(7, "component model", "allow_component_model", WasmFeatures::COMPONENT_MODEL, 0),
    feature(THREADS, "threads", "allow_threads", WasmFeatures::THREADS, 1 << BULK_MEMORY),
    feature(
        9,
        "exception handling",
        "allow_exceptions",
        WasmFeatures::EXCEPTIONS,
        1 << REFERENCE_TYPES,
    ),
    feature(
        GC,
        "garbage collection",
        "allow_gc",
        WasmFeatures::GC.union(WasmFeatures::FUNCTION_REFERENCES),
        1 << REFERENCE_TYPES,
    ),
];

/// What the switches of `bits` and their prerequisites allow; the rest of WebAssembly 3 is always on.
pub fn enabled(bits: u32) -> WasmFeatures {
    let mut features = WasmFeatures::WASM3 | WasmFeatures::COMPONENT_MODEL;
    for feature in &FEATURES {
        features.remove(feature.flags);
    }
    for feature in FEATURES.iter().filter(|feature| is_on(feature, bits)) {
        features.insert(feature.flags);
    }
    features
}

pub fn is_on(feature: &Feature, bits: u32) -> bool {
    bits & (1 << feature.bit) != 0 && bits & feature.needs == feature.needs
}

pub fn threads(bits: u32) -> bool {
    bits & (1 << THREADS) != 0
}

pub struct ValidationError {
    pub message: String,
    pub offset: usize,
    pub function: Option<u32>,
}

/// Validates with the features of `bits`, keeping account of the function that is looked at.
pub fn validate(bytes: &[u8], bits: u32) -> Result<(), ValidationError> {
    use wasmparser::{Parser, ValidPayload, Validator};
    let failure = |error: wasmparser::BinaryReaderError, function| ValidationError {
        message: error.message().to_owned(),
        offset: error.offset(),
        function,
    };
    let mut validator = Validator::new_with_features(enabled(bits));
    let mut allocations = Default::default();
    let mut parser = Parser::new(0);
    parser.set_features(enabled(bits));
    for payload in parser.parse_all(bytes) {
        let payload = payload.map_err(|error| failure(error, None))?;
        if let ValidPayload::Func(function, body) =
            validator.payload(&payload).map_err(|error| failure(error, None))?
        {
            let index = function.index;
            let mut function = function.into_validator(allocations);
            function.validate(&body).map_err(|error| failure(error, Some(index)))?;
            allocations = function.into_allocations();
        }
    }
    Ok(())
}

/// The features that are off and that `bytes` needs; empty when other features would not help.
pub fn missing(bytes: &[u8], bits: u32) -> Vec<&'static Feature> {
    let mut with = (1 << FEATURES.len()) - 1;
    if validate(bytes, with).is_err() {
        return Vec::new();
    }
    let mut needed = Vec::new();
    for feature in FEATURES.iter().filter(|feature| !is_on(feature, bits)) {
        if validate(bytes, with & !(1 << feature.bit)).is_ok() {
            with &= !(1 << feature.bit);
        } else {
            needed.push(feature);
        }
    }
    needed
}

/// The features that a valid module makes use of.
pub fn used(bytes: &[u8]) -> Vec<&'static str> {
    let all = (1 << FEATURES.len()) - 1;
    FEATURES
        .iter()
        .filter(|feature| validate(bytes, all & !(1 << feature.bit)).is_err())
        .map(|feature| feature.name)
        .collect()
}

/// What the largest shared memory of a valid module may grow to, in bytes.
pub fn largest_shared_memory(bytes: &[u8]) -> u64 {
    use wasmparser::{MemoryType, Parser, Payload, TypeRef};
    let size = |memory: MemoryType| match memory.shared {
        true => memory.maximum.unwrap_or(u64::MAX).saturating_mul(64 << 10),
        false => 0,
    };
    let mut largest = 0;
    for payload in Parser::new(0).parse_all(bytes).flatten() {
        match payload {
            Payload::MemorySection(section) => {
                largest = section.into_iter().flatten().map(size).fold(largest, u64::max);
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports().flatten() {
                    if let TypeRef::Memory(memory) = import.ty {
                        largest = largest.max(size(memory));
                    }
                }
            }
            _ => {}
        }
    }
    largest
}
