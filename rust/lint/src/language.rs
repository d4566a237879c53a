//! The grammars by the names that rule files use.

use tree_sitter::Language;

pub fn find(name: &[u8]) -> Option<Language> {
    let language = match name {
        b"bash" => tree_sitter_bash::LANGUAGE,
        b"c" => tree_sitter_c::LANGUAGE,
        b"cpp" => tree_sitter_cpp::LANGUAGE,
        b"go" => tree_sitter_go::LANGUAGE,
        b"java" => tree_sitter_java::LANGUAGE,
        b"javascript" => tree_sitter_javascript::LANGUAGE,
        b"php" => tree_sitter_php::LANGUAGE_PHP,
        b"python" => tree_sitter_python::LANGUAGE,
        b"ruby" => tree_sitter_ruby::LANGUAGE,
        b"rust" => tree_sitter_rust::LANGUAGE,
        b"tsx" => tree_sitter_typescript::LANGUAGE_TSX,
        b"typescript" => tree_sitter_typescript::LANGUAGE_TYPESCRIPT,
        _ => return None,
    };
    Some(language.into())
}
