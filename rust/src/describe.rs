//! What a program is made of, as JSON, for `sandpit check`.

use crate::engine::Host;
use crate::features;
use crate::invoke;
use crate::load::{self, Code, Program};
use crate::screen;
use crate::settings::Source;
use crate::types;
use serde_json::{Value, json};

pub fn describe(host: &Host, program: &Program, source: &Source) -> String {
    let imports: Vec<Value> = screen::imports(program, &host.settings)
        .into_iter()
        .map(|import| {
            json!({
                "module": import.module, "name": import.name, "type": import.ty,
                "capability": import.capability, "granted": import.problem.is_none(),
            })
        })
        .collect();
    let binary = load::binary_of(source).unwrap_or_default();
    let (memories, tables) = storage(&binary);
    let (kind, exports, entry) = match &program.code {
        Code::Module(module) => {
            let exports: Vec<Value> = module
                .exports()
                .map(|e| json!({"name": e.name(), "type": types::external(&e.ty())}))
                .collect();
            let entry = module.get_export("_start").map(|_| "_start");
            ("module", exports, entry)
        }
        Code::Component(component) => {
            let engine = &program.linkers.engine;
            let ty = component.component_type();
            let exports: Vec<Value> = ty
                .exports(engine)
                .map(|(name, item)| json!({"name": name, "type": types::item(&item.ty)}))
                .collect();
            let entry = invoke::run_interface(component, engine).map(|_| "wasi:cli/run");
            ("component", exports, entry)
        }
    };
    let description = json!({
        "kind": kind, "entry": entry, "imports": imports, "exports": exports,
        "memories": memories, "tables": tables, "features": features::used(&binary),
        "producers": producers(&binary),
    });
    format!("{description}\n")
}

/// The memories and tables that the code declares or imports, those of a component's modules too.
fn storage(binary: &[u8]) -> (Vec<Value>, Vec<Value>) {
    use wasmparser::{Parser, Payload, TypeRef};
    let memory = |ty: &wasmparser::MemoryType| {
        json!({"min_pages": ty.initial, "max_pages": ty.maximum, "shared": ty.shared,
               "memory64": ty.memory64})
    };
    let table = |ty: &wasmparser::TableType| json!({"min": ty.initial, "max": ty.maximum, "type": ty.element_type.to_string()});
    let (mut memories, mut tables) = (Vec::new(), Vec::new());
    for payload in Parser::new(0).parse_all(binary).flatten() {
        match payload {
            Payload::MemorySection(section) => {
                memories.extend(section.into_iter().flatten().map(|ty| memory(&ty)));
            }
            Payload::TableSection(section) => {
                tables.extend(section.into_iter().flatten().map(|entry| table(&entry.ty)));
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports().flatten() {
                    match import.ty {
                        TypeRef::Memory(ty) => memories.push(memory(&ty)),
                        TypeRef::Table(ty) => tables.push(table(&ty)),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    (memories, tables)
}

/// "processed-by clang 18.1": what the tools that made the module say.
fn producers(binary: &[u8]) -> Vec<String> {
    use wasmparser::{KnownCustom, Parser, Payload};
    let mut found = Vec::new();
    for payload in Parser::new(0).parse_all(binary).flatten() {
        let Payload::CustomSection(section) = payload else { continue };
        let KnownCustom::Producers(fields) = section.as_known() else { continue };
        for field in fields.into_iter().flatten() {
            for value in field.values.into_iter().flatten() {
                let text = format!("{} {} {}", field.name, value.name, value.version);
                if !found.contains(&text) {
                    found.push(text);
                }
            }
        }
    }
    found
}
