//! The part of tree-sitter's query language that rules need, compiled in microseconds. tree-sitter's
//! own `Query::new` analyses the whole grammar, which takes longer than parsing a thousand lines.
//!
//! Known: nodes with kinds, fields, children, `[…]`, `.`, `"literals"`, `_`, captures, and the
//! predicates of `Test`. For all else, mistakes too, `compile` answers nothing, and the caller asks
//! tree-sitter.

use regex::bytes::Regex;
use std::num::NonZeroU16;
use tree_sitter::Language;

pub enum Kind {
    Any,
    AnyNamed,
    Symbol(u16),
}

pub struct Child {
    pub field: Option<NonZeroU16>,
    /// No named node between this one and what was matched before it.
    pub anchored: bool,
    pub pattern: Pattern,
}

pub enum Shape {
    Node { kind: Kind, children: Vec<Child>, last_is_last: bool },
    OneOf(Vec<Pattern>),
}

pub struct Pattern {
    pub shape: Shape,
    pub captures: Vec<usize>,
}

pub enum Test {
    Equals(String),
    AnyOf(Vec<String>),
    Matches(Regex),
}

pub struct Predicate {
    pub capture: usize,
    pub test: Test,
    pub holds: bool,
}

/// One pattern of a query with what its captures must be.
pub struct Top {
    pub pattern: Pattern,
    pub predicates: Vec<Predicate>,
}

pub struct Compiled {
    pub tops: Vec<Top>,
    pub captures: Vec<String>,
}

pub fn compile(language: &Language, text: &str) -> Option<Compiled> {
    let mut reader = Reader { language, rest: text, captures: Vec::new() };
    let mut tops = Vec::new();
    while !reader.at_end() {
        tops.push(reader.top()?);
    }
    Some(Compiled { tops, captures: reader.captures })
}

struct Reader<'a> {
    language: &'a Language,
    rest: &'a str,
    captures: Vec<String>,
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '?' | '!')
}

impl<'a> Reader<'a> {
    fn skip_space(&mut self) {
        loop {
            self.rest = self.rest.trim_start();
            if !self.rest.starts_with(';') {
                return;
            }
            self.rest = self.rest.split_once('\n').map_or("", |(_, after)| after);
        }
    }

    fn at_end(&mut self) -> bool {
        self.skip_space();
        self.rest.is_empty()
    }

    fn next_is(&mut self, token: &str) -> bool {
        self.skip_space();
        self.rest.starts_with(token)
    }

    fn take(&mut self, token: &str) -> bool {
        let found = self.next_is(token);
        if found {
            self.rest = &self.rest[token.len()..];
        }
        found
    }

    fn name(&mut self) -> Option<&'a str> {
        let end = self.rest.find(|c| !is_name(c)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!name.is_empty()).then_some(name)
    }

    fn string(&mut self) -> Option<String> {
        if !self.take("\"") {
            return None;
        }
        let mut text = String::new();
        let mut characters = self.rest.char_indices();
        while let Some((at, c)) = characters.next() {
            match c {
                '"' => {
                    self.rest = &self.rest[at + 1..];
                    return Some(text);
                }
                '\\' => text.push(match characters.next()?.1 {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    '0' => '\0',
                    other => other,
                }),
                '\n' => return None,
                other => text.push(other),
            }
        }
        None
    }

    fn capture(&mut self) -> Option<usize> {
        let name = self.name()?;
        let known = self.captures.iter().position(|capture| capture == name);
        Some(known.unwrap_or_else(|| {
            self.captures.push(name.to_string());
            self.captures.len() - 1
        }))
    }

    fn top(&mut self) -> Option<Top> {
        let mut predicates = Vec::new();
        let pattern = self.pattern(&mut predicates)?;
        Some(Top { pattern, predicates })
    }

    fn pattern(&mut self, predicates: &mut Vec<Predicate>) -> Option<Pattern> {
        let mut pattern = self.bare_pattern(predicates)?;
        while self.take("@") {
            pattern.captures.push(self.capture()?);
        }
        // Quantifiers are tree-sitter's.
        let quantified = ["*", "+", "?"].iter().any(|sign| self.next_is(sign));
        (!quantified).then_some(pattern)
    }

    fn bare_pattern(&mut self, predicates: &mut Vec<Predicate>) -> Option<Pattern> {
        if self.next_is("\"") {
            let literal = self.string()?;
            return self.node(self.symbol(&literal, false)?, Vec::new(), false);
        }
        if self.take("[") {
            let mut choices = Vec::new();
            while !self.take("]") {
                choices.push(self.pattern(predicates)?);
            }
            let shape = Shape::OneOf(choices);
            return Some(Pattern { shape, captures: Vec::new() });
        }
        if !self.take("(") {
            return (self.name()? == "_")
                .then_some(())
                .and_then(|()| self.node(Kind::Any, Vec::new(), false));
        }
        if self.next_is("(") || self.next_is("[") || self.next_is("\"") {
            return self.group(predicates);
        }
        let kind = match self.name()? {
            "_" => Kind::AnyNamed,
            "ERROR" | "MISSING" => return None,
            name => self.symbol(name, true)?,
        };
        self.children(kind, predicates)
    }

    /// `(pattern (#predicate …) …)`: of one pattern.
    fn group(&mut self, predicates: &mut Vec<Predicate>) -> Option<Pattern> {
        let pattern = self.pattern(predicates)?;
        while !self.take(")") {
            self.predicate(predicates)?;
        }
        Some(pattern)
    }

    fn children(&mut self, kind: Kind, predicates: &mut Vec<Predicate>) -> Option<Pattern> {
        let mut children: Vec<Child> = Vec::new();
        let mut anchored = false;
        loop {
            if self.take(")") {
                return self.node(kind, children, anchored);
            }
            self.skip_space();
            let tail = self.rest.strip_prefix('(').map(str::trim_start);
            if tail.is_some_and(|tail| tail.starts_with('#')) {
                self.predicate(predicates)?;
                continue;
            }
            if self.take(".") {
                // After `_` a dot means something of its own.
                let before = children.last().map(|child| &child.pattern.shape);
                if matches!(before, Some(Shape::Node { kind: Kind::Any, .. })) {
                    return None;
                }
                anchored = true;
                continue;
            }
            let field = self.field()?;
            let pattern = self.pattern(predicates)?;
            children.push(Child { field, anchored, pattern });
            anchored = false;
        }
    }

    /// `name:`, or nothing before a pattern.
    fn field(&mut self) -> Option<Option<NonZeroU16>> {
        if !self.rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            return Some(None);
        }
        let before = self.rest;
        let name = self.name()?;
        if !self.take(":") {
            self.rest = before;
            return Some(None);
        }
        self.skip_space();
        Some(Some(self.language.field_id_for_name(name)?))
    }

    fn node(&self, kind: Kind, children: Vec<Child>, last_is_last: bool) -> Option<Pattern> {
        // An anchor with nothing to hold on to.
        if last_is_last && children.is_empty() {
            return None;
        }
        let shape = Shape::Node { kind, children, last_is_last };
        Some(Pattern { shape, captures: Vec::new() })
    }

    fn symbol(&self, name: &str, named: bool) -> Option<Kind> {
        let id = self.language.id_for_node_kind(name, named);
        let usable = id != 0 && !self.language.node_kind_is_supertype(id);
        usable.then_some(Kind::Symbol(id))
    }

    fn predicate(&mut self, predicates: &mut Vec<Predicate>) -> Option<()> {
        if !self.take("(") || !self.take("#") {
            return None;
        }
        let (holds, kind) = match self.name()? {
            "eq?" => (true, "eq"),
            "not-eq?" => (false, "eq"),
            "any-of?" => (true, "any"),
            "match?" => (true, "match"),
            "not-match?" => (false, "match"),
            _ => return None,
        };
        if !self.take("@") {
            return None;
        }
        let capture = self.capture()?;
        let mut words = Vec::new();
        while !self.take(")") {
            words.push(self.string()?);
        }
        let test = match (kind, words.as_mut_slice()) {
            ("any", _) => Test::AnyOf(words),
            ("eq", [word]) => Test::Equals(std::mem::take(word)),
            ("match", [word]) => Test::Matches(Regex::new(word).ok()?),
            _ => return None,
        };
        predicates.push(Predicate { capture, test, holds });
        Some(())
    }
}
