//! Traps and backtraces as a user reads them.

use wasmtime::{Trap, WasmBacktrace};

const FRAMES: usize = 32;

/// "integer_divide_by_zero"
pub fn name(trap: Trap) -> String {
    match trap {
        Trap::UnreachableCodeReached => "unreachable".into(),
        Trap::IntegerDivisionByZero => "integer_divide_by_zero".into(),
        Trap::BadSignature => "indirect_call_type_mismatch".into(),
        Trap::BadConversionToInteger => "invalid_conversion_to_integer".into(),
        Trap::HeapMisaligned => "unaligned_atomic".into(),
        other => snake_case(&format!("{other:?}")),
    }
}

fn snake_case(camel: &str) -> String {
    let mut text = String::with_capacity(camel.len() + 8);
    for character in camel.chars() {
        if character.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(character.to_ascii_lowercase());
    }
    text
}

/// Innermost first: "name (file.wat:3:5)", or the offset in the module where there is no source.
pub fn backtrace(error: &wasmtime::Error, module: &str) -> Vec<String> {
    let Some(trace) = error.downcast_ref::<WasmBacktrace>() else { return Vec::new() };
    trace.frames().iter().take(FRAMES).map(|frame| frame_text(frame, module)).collect()
}

fn frame_text(frame: &wasmtime::FrameInfo, module: &str) -> String {
    let function = match frame.func_name() {
        Some(name) => name.to_owned(),
        None => format!("function {}", frame.func_index()),
    };
    let symbol = frame.symbols().iter().find(|symbol| symbol.file().is_some());
    let place = match (symbol, frame.module_offset()) {
        (Some(symbol), _) => {
            let file = symbol.file().unwrap_or(module);
            // DWARF has a directory for each file; that of text is none.
            let file = file.strip_prefix("./").unwrap_or(file);
            match (symbol.line(), symbol.column()) {
                (Some(line), Some(column)) => format!("{file}:{line}:{column}"),
                (Some(line), None) => format!("{file}:{line}"),
                _ => file.to_owned(),
            }
        }
        (None, Some(offset)) => format!("{module}: offset {offset:#x}"),
        (None, None) => module.to_owned(),
    };
    // The name that the source gives, when the module itself has none.
    let source_name = symbol.and_then(|symbol| symbol.name());
    let function = match (frame.func_name(), source_name) {
        (None, Some(name)) => name.to_owned(),
        _ => function,
    };
    format!("{function} ({place})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_snake_case() {
        assert_eq!(name(Trap::StackOverflow), "stack_overflow");
        assert_eq!(name(Trap::UnreachableCodeReached), "unreachable");
        assert_eq!(name(Trap::MemoryOutOfBounds), "memory_out_of_bounds");
    }
}
