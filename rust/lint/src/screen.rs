//! Parses one source and runs all queries on it in one pass.

use std::mem::ManuallyDrop;
use std::ops::{ControlFlow, Range};
use std::time::{Duration, Instant};
use tree_sitter::{
    Language, ParseOptions, Parser, Query, QueryCursor, QueryCursorOptions, QueryMatch,
    StreamingIterator,
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

/// Where the text of one rule's queries lies in the joined text.
struct Part {
    rule: usize,
    role: Role,
    text: Range<usize>,
}

/// One query of all rules: the analysis of a grammar costs more than that of a pattern.
fn join(rules: &[Rule]) -> (String, Vec<Part>) {
    let mut text = String::new();
    let mut parts = Vec::new();
    for (rule, Rule { query, only_if, unless }) in rules.iter().enumerate() {
        for (piece, role) in
            [(query, Role::Finding), (only_if, Role::OnlyIf), (unless, Role::Unless)]
        {
            let start = text.len();
            text.push_str(piece);
            text.push('\n');
            parts.push(Part { rule, role, text: start..text.len() });
        }
    }
    (text, parts)
}

fn part_at(parts: &[Part], offset: usize) -> &Part {
    let after = parts.partition_point(|part| part.text.end <= offset);
    &parts[after.min(parts.len() - 1)]
}

struct Captures {
    finding: Option<u32>,
    what: Option<u32>,
    literal: Option<u32>,
}

impl Captures {
    fn of(query: &Query) -> Captures {
        Captures {
            finding: query.capture_index_for_name("finding"),
            what: query.capture_index_for_name("what"),
            literal: query.capture_index_for_name("literal"),
        }
    }
}

fn range_of(found: &QueryMatch, index: Option<u32>) -> Option<Range<usize>> {
    let capture = found.captures().iter().find(|capture| Some(capture.index) == index)?;
    Some(capture.node.byte_range())
}

fn finding(found: &QueryMatch, rule: usize, captures: &Captures) -> Option<Finding> {
    let at = range_of(found, captures.finding)?;
    let what = range_of(found, captures.what).unwrap_or(at.clone());
    let literal = range_of(found, captures.literal).unwrap_or(0..0);
    Some(Finding { rule, at, what, literal })
}

pub fn screen(
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
    let (text, parts) = join(rules);
    // Nothing is freed: the process ends next, and taking a deep tree apart takes time of its own.
    let query = match Query::new(language, &text) {
        Ok(query) => ManuallyDrop::new(query),
        Err(error) => {
            let rule = part_at(&parts, error.offset).rule;
            return Screened::nothing(End::BadQuery { rule, message: error.to_string() });
        }
    };
    let mut parser = ManuallyDrop::new(Parser::new());
    if let Err(error) = parser.set_language(language) {
        return Screened::nothing(End::BadQuery { rule: 0, message: error.to_string() });
    }
    let parse_begun = Instant::now();
    let mut progress = |_: &_| in_time();
    let options = ParseOptions::new().progress_callback(&mut progress);
    let read = &mut |offset: usize, _| source.get(offset..).unwrap_or(&[]);
    let Some(tree) = parser.parse_with_options(read, None, Some(options)) else {
        return Screened::nothing(End::TimedOut);
    };
    let tree = ManuallyDrop::new(tree);
    let parse_time = parse_begun.elapsed();

    let captures = Captures::of(&query);
    let mut cursor = ManuallyDrop::new(QueryCursor::new());
    cursor.set_match_limit(MATCH_LIMIT);
    let mut met: Vec<bool> = rules.iter().map(|rule| rule.only_if.trim().is_empty()).collect();
    let mut ruled_out = vec![false; rules.len()];
    let mut findings: Vec<Finding> = Vec::new();
    let mut progress = |_: &_| in_time();
    let options = QueryCursorOptions::new().progress_callback(&mut progress);
    let mut matches = cursor.matches_with_options(&query, tree.root_node(), source, options);
    // Findings whose condition is met further down count only then, so that there may be more.
    let most = capacity.saturating_mul(16);
    let mut all = true;
    while let Some(found) = matches.next() {
        let part = part_at(&parts, query.start_byte_for_pattern(found.pattern_index));
        match part.role {
            Role::OnlyIf => met[part.rule] = true,
            Role::Unless => ruled_out[part.rule] = true,
            Role::Finding if findings.len() == most => {
                all = false;
                break;
            }
            Role::Finding => findings.extend(finding(found, part.rule, &captures)),
        }
    }
    findings.retain(|finding| met[finding.rule] && !ruled_out[finding.rule]);
    let key = |finding: &Finding| (finding.at.start, finding.rule, finding.literal.start);
    findings.sort_by_key(key);
    // Alternatives of one rule may match one place twice.
    findings.dedup_by_key(|finding| key(finding));
    all = all && findings.len() <= capacity;
    findings.truncate(capacity);
    let end = match (in_time(), all) {
        (ControlFlow::Break(()), _) => End::TimedOut,
        (_, false) => End::More,
        (_, true) => End::Done,
    };
    Screened { end, findings, parse_time }
}
