//! Types as a user reads them.

use wasmtime::component::types::{ComponentFunc, ComponentItem, Type};
use wasmtime::{ExternType, FuncType, MemoryType, TableType, ValType};

pub fn list<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}

fn results<T: ToString>(items: impl ExactSizeIterator<Item = T>) -> String {
    match items.len() {
        0 => String::new(),
        1 => format!(" -> {}", list(items)),
        _ => format!(" -> ({})", list(items)),
    }
}

pub fn function(ty: &FuncType) -> String {
    let shown = |ty: ValType| ty.to_string();
    format!("({}){}", list(ty.params().map(shown)), results(ty.results().map(shown)))
}

fn range(minimum: u64, maximum: Option<u64>) -> String {
    match maximum {
        Some(maximum) => format!("{minimum} to {maximum}"),
        None => format!("{minimum} or more"),
    }
}

fn memory(ty: &MemoryType) -> String {
    let shared = if ty.is_shared() { "shared " } else { "" };
    let wide = if ty.is_64() { "64-bit " } else { "" };
    format!("{shared}{wide}memory of {} pages", range(ty.minimum(), ty.maximum()))
}

fn table(ty: &TableType) -> String {
    format!("table of {} {}", range(ty.minimum(), ty.maximum()), ty.element())
}

/// "function (i32) -> i32", "memory of 1 or more pages".
pub fn described(ty: &ExternType) -> String {
    match ty {
        ExternType::Func(_) => format!("function {}", external(ty)),
        _ => external(ty),
    }
}

/// "(i32) -> i32", "memory of 1 or more pages".
pub fn external(ty: &ExternType) -> String {
    match ty {
        ExternType::Func(ty) => function(ty),
        ExternType::Memory(ty) => memory(ty),
        ExternType::Table(ty) => table(ty),
        ExternType::Global(ty) => match ty.mutability() {
            wasmtime::Mutability::Const => format!("global {}", ty.content()),
            wasmtime::Mutability::Var => format!("mutable global {}", ty.content()),
        },
        ExternType::Tag(ty) => format!("tag {}", function(ty.ty())),
    }
}

/// "function", "memory", …
pub fn kind(ty: &ExternType) -> &'static str {
    match ty {
        ExternType::Func(_) => "function",
        ExternType::Memory(_) => "memory",
        ExternType::Table(_) => "table",
        ExternType::Global(_) => "global",
        ExternType::Tag(_) => "tag",
    }
}

/// "add(i32, i32) -> i32", and the kind alone of what isn't a function.
pub fn export(name: &str, ty: &ExternType) -> String {
    match ty {
        ExternType::Func(ty) => format!("{name}{}", function(ty)),
        other => format!("{name} ({})", kind(other)),
    }
}

pub fn component_function(ty: &ComponentFunc) -> String {
    let parameters = ty.params().map(|(name, ty)| format!("{name}: {}", value(&ty)));
    format!("({}){}", list(parameters), results(ty.results().map(|ty| value(&ty))))
}

pub fn item(ty: &ComponentItem) -> String {
    match ty {
        ComponentItem::ComponentFunc(ty) => component_function(ty),
        ComponentItem::CoreFunc(ty) => function(ty),
        ComponentItem::Module(_) => "module".into(),
        ComponentItem::Component(_) => "component".into(),
        ComponentItem::ComponentInstance(_) => "interface".into(),
        ComponentItem::Type(_) => "type".into(),
        ComponentItem::Resource(_) => "resource".into(),
    }
}

/// A component's type in the notation of WIT.
pub fn value(ty: &Type) -> String {
    let optional = |ty: Option<Type>| ty.map_or("_".to_owned(), |ty| value(&ty));
    match ty {
        Type::Bool => "bool".into(),
        Type::S8 => "s8".into(),
        Type::U8 => "u8".into(),
        Type::S16 => "s16".into(),
        Type::U16 => "u16".into(),
        Type::S32 => "s32".into(),
        Type::U32 => "u32".into(),
        Type::S64 => "s64".into(),
        Type::U64 => "u64".into(),
        Type::Float32 => "f32".into(),
        Type::Float64 => "f64".into(),
        Type::Char => "char".into(),
        Type::String => "string".into(),
        Type::List(ty) => format!("list<{}>", value(&ty.ty())),
        Type::Option(ty) => format!("option<{}>", value(&ty.ty())),
        Type::Result(ty) => format!("result<{}, {}>", optional(ty.ok()), optional(ty.err())),
        Type::Tuple(ty) => format!("tuple<{}>", list(ty.types().map(|ty| value(&ty)))),
        Type::Record(ty) => {
            let fields = ty.fields().map(|field| format!("{}: {}", field.name, value(&field.ty)));
            format!("record {{ {} }}", list(fields))
        }
        Type::Variant(ty) => {
            let cases = ty.cases().map(|case| match case.ty {
                Some(ty) => format!("{}({})", case.name, value(&ty)),
                None => case.name.to_owned(),
            });
            format!("variant {{ {} }}", list(cases))
        }
        Type::Enum(ty) => format!("enum {{ {} }}", list(ty.names())),
        Type::Flags(ty) => format!("flags {{ {} }}", list(ty.names())),
        Type::Own(_) => "own resource".into(),
        Type::Borrow(_) => "borrowed resource".into(),
        other => format!("{other:?}").split(['(', ' ']).next().unwrap_or("value").to_lowercase(),
    }
}
