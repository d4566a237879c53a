//! Parses one source and finds where the rules' queries match.

use crate::matcher;
use crate::pattern::{self, Compiled};
use std::mem::ManuallyDrop;
use std::ops::{ControlFlow, Range};
use std::time::{Duration, Instant};
use tree_sitter::{
    Language, Node, ParseOptions, Parser, Query, QueryCursor, QueryCursorOptions,
    StreamingIterator, Tree,
};

/// What a query may keep in progress at a time. Far above what a rule needs; without it a query
/// over a source made for it takes memory without end.
const MATCH_LIMIT: u32 = 4096;

pub struct Rule<'a> {
    pub query: &'a str,
    pub only_if: &'a str,
    pub unless: &'a str,
}

#[derive(Clone)]
pub struct Finding {
    pub rule: usize,
    pub at: Range<usize>,
    pub what: Range<usize>,
    pub literal: Range<usize>,
}

#[derive(Debug, PartialEq)]
pub enum End {
    Done,
    More,
    TimedOut,
    BadQuery { rule: usize, message: String },
}

pub struct Screened {
    pub end: End,
    pub findings: Vec<Finding>,
    pub parse_time: Duration,
}

impl Screened {
    fn nothing(end: End) -> Screened {
        Screened { end, findings: Vec::new(), parse_time: Duration::ZERO }
    }
}

#[derive(Clone, Copy)]
enum Role {
    Finding,
    OnlyIf,
    Unless,
}

/// One of a rule's queries.
struct Part<'a> {
    rule: usize,
    role: Role,
    text: &'a str,
}

fn parts_of<'a>(rules: &[Rule<'a>]) -> Vec<Part<'a>> {
    let mut parts = Vec::new();
    for (rule, Rule { query, only_if, unless }) in rules.iter().enumerate() {
        for (text, role) in
            [(*query, Role::Finding), (*only_if, Role::OnlyIf), (*unless, Role::Unless)]
        {
            if !text.trim().is_empty() {
                parts.push(Part { rule, role, text });
            }
        }
    }
    parts
}

/// What was found so far.
struct Collector {
    met: Vec<bool>,
    ruled_out: Vec<bool>,
    findings: Vec<Finding>,
    /// Findings whose condition is met further down count only then, so that there may be more than
    /// are asked for.
    most: usize,
    all: bool,
}

impl Collector {
    fn new(rules: &[Rule], capacity: usize) -> Collector {
        Collector {
            met: rules.iter().map(|rule| rule.only_if.trim().is_empty()).collect(),
            ruled_out: vec![false; rules.len()],
            findings: Vec::new(),
            most: capacity.saturating_mul(16),
            all: true,
        }
    }

    /// `captured`: the nodes by the names that rules give them.
    fn add<'t>(
        &mut self,
        part: &Part,
        captured: impl Fn(&str) -> Option<Node<'t>>,
    ) -> ControlFlow<()> {
        match part.role {
            Role::OnlyIf => self.met[part.rule] = true,
            Role::Unless => self.ruled_out[part.rule] = true,
            Role::Finding if self.findings.len() == self.most => {
                self.all = false;
                return ControlFlow::Break(());
            }
            Role::Finding => {
                let range = |name| captured(name).map(|node| node.byte_range());
                if let Some(at) = range("finding") {
                    let what = range("what").unwrap_or(at.clone());
                    let literal = range("literal").unwrap_or(0..0);
                    self.findings.push(Finding { rule: part.rule, at, what, literal });
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// In the order of the source; whether these are all.
    fn finish(mut self, capacity: usize) -> (Vec<Finding>, bool) {
        let (met, ruled_out) = (&self.met, &self.ruled_out);
        self.findings.retain(|finding| met[finding.rule] && !ruled_out[finding.rule]);
        let key = |finding: &Finding| (finding.at.start, finding.rule, finding.literal.start);
        self.findings.sort_by_key(key);
        // Alternatives of one rule may match one place twice.
        self.findings.dedup_by_key(|finding| key(finding));
        let all = self.all && self.findings.len() <= capacity;
        self.findings.truncate(capacity);
        (self.findings, all)
    }
}

fn match_patterns(
    queries: &[Compiled],
    parts: &[Part],
    tree: &Tree,
    source: &[u8],
    in_time: impl Fn() -> ControlFlow<()>,
    collector: &mut Collector,
) {
    matcher::for_each_match(tree, source, queries, in_time, |index, bindings| {
        let names = &queries[index].captures;
        collector.add(&parts[index], |name| {
            bindings.iter().find(|(capture, _)| names[*capture] == name).map(|(_, node)| *node)
        })
    });
}

/// One query of all: the analysis of a grammar costs more than that of a pattern.
struct Joined {
    query: ManuallyDrop<Query>,
    ends: Vec<usize>,
}

impl Joined {
    fn part_at(ends: &[usize], offset: usize) -> usize {
        ends.partition_point(|end| *end <= offset).min(ends.len() - 1)
    }

    fn new(language: &Language, parts: &[Part]) -> Result<Joined, End> {
        let mut text = String::new();
        let mut ends = Vec::new();
        for part in parts {
            text.push_str(part.text);
            text.push('\n');
            ends.push(text.len());
        }
        match Query::new(language, &text) {
            Ok(query) => Ok(Joined { query: ManuallyDrop::new(query), ends }),
            Err(error) => {
                let rule = parts[Joined::part_at(&ends, error.offset)].rule;
                Err(End::BadQuery { rule, message: error.to_string() })
            }
        }
    }

    fn run(
        &self,
        parts: &[Part],
        tree: &Tree,
        source: &[u8],
        in_time: impl Fn() -> ControlFlow<()>,
        collector: &mut Collector,
    ) {
        let mut cursor = ManuallyDrop::new(QueryCursor::new());
        cursor.set_match_limit(MATCH_LIMIT);
        let mut progress = |_: &_| in_time();
        let options = QueryCursorOptions::new().progress_callback(&mut progress);
        let mut matches =
            cursor.matches_with_options(&self.query, tree.root_node(), source, options);
        while let Some(found) = matches.next() {
            let start = self.query.start_byte_for_pattern(found.pattern_index);
            let part = &parts[Joined::part_at(&self.ends, start)];
            let added = collector.add(part, |name| {
                let index = self.query.capture_index_for_name(name);
                let capture = found.captures().iter().find(|one| Some(one.index) == index)?;
                Some(capture.node)
            });
            if added.is_break() {
                return;
            }
        }
    }
}

/// The rules' queries, ready to be run.
enum Queries {
    Patterns(Vec<Compiled>),
    /// What `pattern` does not know.
    Joined(Joined),
}

impl Queries {
    fn new(language: &Language, parts: &[Part]) -> Result<Queries, End> {
        let compiled = parts.iter().map(|part| pattern::compile(language, part.text)).collect();
        match compiled {
            Some(patterns) => Ok(Queries::Patterns(patterns)),
            None => Ok(Queries::Joined(Joined::new(language, parts)?)),
        }
    }
}

pub fn screen(
    language: &Language,
    source: &[u8],
    rules: &[Rule],
    budget: Duration,
    capacity: usize,
) -> Screened {
    let parts = parts_of(rules);
    match Queries::new(language, &parts) {
        Ok(queries) => screen_with(&queries, &parts, language, source, rules, budget, capacity),
        Err(end) => Screened::nothing(end),
    }
}

fn screen_with(
    queries: &Queries,
    parts: &[Part],
    language: &Language,
    source: &[u8],
    rules: &[Rule],
    budget: Duration,
    capacity: usize,
) -> Screened {
    let begun = Instant::now();
    let in_time = || match begun.elapsed() < budget {
        true => ControlFlow::Continue(()),
        false => ControlFlow::Break(()),
    };
    // Nothing is freed: the process ends next, and taking a deep tree apart takes time of its own.
    let mut parser = ManuallyDrop::new(Parser::new());
    if let Err(error) = parser.set_language(language) {
        return Screened::nothing(End::BadQuery { rule: 0, message: error.to_string() });
    }
    let mut progress = |_: &_| in_time();
    let options = ParseOptions::new().progress_callback(&mut progress);
    let read = &mut |offset: usize, _| source.get(offset..).unwrap_or(&[]);
    let Some(tree) = parser.parse_with_options(read, None, Some(options)) else {
        return Screened::nothing(End::TimedOut);
    };
    let tree = ManuallyDrop::new(tree);
    let parse_time = begun.elapsed();

    let mut collector = Collector::new(rules, capacity);
    match queries {
        Queries::Patterns(compiled) => {
            match_patterns(compiled, parts, &tree, source, in_time, &mut collector);
        }
        Queries::Joined(joined) => joined.run(parts, &tree, source, in_time, &mut collector),
    }
    let (findings, all) = collector.finish(capacity);
    let end = match (in_time(), all) {
        (ControlFlow::Break(()), _) => End::TimedOut,
        (_, false) => End::More,
        (_, true) => End::Done,
    };
    Screened { end, findings, parse_time }
}
