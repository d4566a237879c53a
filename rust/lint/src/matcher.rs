//! Where compiled patterns match: all ways in which each of them does, as tree-sitter has them.

use crate::pattern::{Child, Compiled, Kind, Pattern, Predicate, Shape, Test, Top};
use std::collections::HashMap;
use std::num::NonZeroU16;
use std::ops::ControlFlow;
use tree_sitter::{Node, Tree, TreeCursor};

/// Capture and node, in the order of the pattern.
pub type Bindings<'t> = Vec<(usize, Node<'t>)>;

/// Ways in which one pattern matches at one node; a rule needs one or two.
const MOST_WAYS: usize = 256;

/// The wildcards' place among the roots.
const ANY: u16 = 0;

fn roots<'c>(compiled: &'c [Compiled]) -> HashMap<u16, Vec<(usize, &'c Top)>> {
    fn add(pattern: &Pattern, symbols: &mut Vec<u16>) {
        match &pattern.shape {
            Shape::Node { kind: Kind::Symbol(id), .. } => symbols.push(*id),
            Shape::Node { .. } => symbols.push(ANY),
            Shape::OneOf(choices) => choices.iter().for_each(|choice| add(choice, symbols)),
        }
    }
    let mut roots: HashMap<u16, Vec<(usize, &Top)>> = HashMap::new();
    for (index, query) in compiled.iter().enumerate() {
        for top in &query.tops {
            let mut symbols = Vec::new();
            add(&top.pattern, &mut symbols);
            symbols.sort_unstable();
            symbols.dedup();
            for symbol in symbols {
                roots.entry(symbol).or_default().push((index, top));
            }
        }
    }
    roots
}

/// Visits every node once. `found` is told the number of the query and what it captured.
pub fn for_each_match<'t>(
    tree: &'t Tree,
    source: &[u8],
    queries: &[Compiled],
    mut go_on: impl FnMut() -> ControlFlow<()>,
    mut found: impl FnMut(usize, &Bindings<'t>) -> ControlFlow<()>,
) {
    let roots = roots(queries);
    let anywhere = roots.get(&ANY);
    let mut cursor = tree.walk();
    let mut matcher = Matcher { source, cursor: tree.walk() };
    let mut visited = 0_u32;
    loop {
        let node = cursor.node();
        let here = roots.get(&node.kind_id());
        for (query, top) in here.into_iter().chain(anywhere).flatten() {
            for bindings in matcher.ways(top, node) {
                if found(*query, &bindings).is_break() {
                    return;
                }
            }
        }
        visited += 1;
        if visited.is_multiple_of(128) && go_on().is_break() {
            return;
        }
        if cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return;
            }
        }
    }
}

struct Matcher<'t, 's> {
    source: &'s [u8],
    cursor: TreeCursor<'t>,
}

struct Kid<'t> {
    node: Node<'t>,
    field: Option<NonZeroU16>,
}

fn is_kind(node: Node, kind: &Kind) -> bool {
    match kind {
        Kind::Any => !node.is_error(),
        Kind::AnyNamed => node.is_named() && !node.is_error(),
        Kind::Symbol(id) => node.kind_id() == *id,
    }
}

impl<'t> Matcher<'t, '_> {
    fn ways(&mut self, top: &Top, node: Node<'t>) -> Vec<Bindings<'t>> {
        let mut ways = self.at(&top.pattern, node);
        ways.retain(|bindings| top.predicates.iter().all(|one| self.holds(one, bindings)));
        ways
    }

    fn holds(&self, predicate: &Predicate, bindings: &Bindings) -> bool {
        let mut nodes = bindings.iter().filter(|(capture, _)| *capture == predicate.capture);
        nodes.all(|(_, node)| {
            let text = self.source.get(node.byte_range()).unwrap_or_default();
            let found = match &predicate.test {
                Test::Equals(word) => text == word.as_bytes(),
                Test::AnyOf(words) => words.iter().any(|word| text == word.as_bytes()),
                Test::Matches(regex) => regex.is_match(text),
            };
            found == predicate.holds
        })
    }

    fn kids(&mut self, node: Node<'t>) -> Vec<Kid<'t>> {
        let mut kids = Vec::new();
        self.cursor.reset(node);
        let mut more = self.cursor.goto_first_child();
        while more {
            kids.push(Kid { node: self.cursor.node(), field: self.cursor.field_id() });
            more = self.cursor.goto_next_sibling();
        }
        kids
    }

    fn at(&mut self, pattern: &Pattern, node: Node<'t>) -> Vec<Bindings<'t>> {
        let mut ways = match &pattern.shape {
            Shape::OneOf(choices) => {
                choices.iter().flat_map(|choice| self.at(choice, node)).collect()
            }
            Shape::Node { kind, .. } if !is_kind(node, kind) => return Vec::new(),
            Shape::Node { children, .. } if children.is_empty() => vec![Bindings::new()],
            Shape::Node { children, last_is_last, .. } => {
                let kids = self.kids(node);
                self.among(children, *last_is_last, &kids)
            }
        };
        for way in &mut ways {
            way.splice(0..0, pattern.captures.iter().map(|capture| (*capture, node)));
        }
        ways
    }

    /// The children, in order, are some of the kids.
    fn among(
        &mut self,
        children: &[Child],
        last_is_last: bool,
        kids: &[Kid<'t>],
    ) -> Vec<Bindings<'t>> {
        let Some((child, others)) = children.split_first() else {
            let ends = !last_is_last || !kids.iter().any(|kid| kid.node.is_named());
            return if ends { vec![Bindings::new()] } else { Vec::new() };
        };
        let mut ways = Vec::new();
        for (index, kid) in kids.iter().enumerate() {
            let right_field = child.field.is_none() || child.field == kid.field;
            let firsts = if right_field { self.at(&child.pattern, kid.node) } else { Vec::new() };
            if !firsts.is_empty() {
                let rests = self.among(others, last_is_last, &kids[index + 1..]);
                for first in &firsts {
                    ways.extend(rests.iter().map(|rest| [&first[..], &rest[..]].concat()));
                }
            }
            if child.anchored && kid.node.is_named() || ways.len() >= MOST_WAYS {
                break;
            }
        }
        ways
    }
}
