//! `include/sandpit_lint.h`. Every pointer comes from our own C++ in the same process and is valid
//! for the call.

use crate::language;
use crate::screen::{End, Finding, Rule, Screened, screen};
use std::ops::Range;
use std::time::Duration;

#[derive(Clone, Copy)]
#[repr(C)]
pub struct Text {
    data: *const u8,
    size: usize,
}

#[repr(C)]
pub struct CRule {
    query: Text,
    only_if: Text,
    unless: Text,
}

#[repr(C)]
pub struct CFinding {
    rule: u32,
    start: u32,
    end: u32,
    what_start: u32,
    what_end: u32,
    literal_start: u32,
    literal_end: u32,
}

#[repr(C)]
pub struct CRequest {
    language: Text,
    source: Text,
    rules: *const CRule,
    rule_count: usize,
    budget_us: u64,
    findings: *mut CFinding,
    capacity: usize,
}

#[repr(C)]
pub struct CResult {
    status: u32,
    rule: u32,
    found: usize,
    parse_us: u64,
    message_size: usize,
    message: [u8; 256],
}

const DONE: u32 = 0;
const MORE: u32 = 1;
const TIMED_OUT: u32 = 2;
const BAD_QUERY: u32 = 3;
const UNKNOWN_LANGUAGE: u32 = 4;

unsafe fn slice<'a, T>(data: *const T, count: usize) -> &'a [T] {
    match data.is_null() || count == 0 {
        true => &[],
        // SAFETY: the caller's promise.
        false => unsafe { std::slice::from_raw_parts(data, count) },
    }
}

impl Text {
    unsafe fn bytes<'a>(self) -> &'a [u8] {
        // SAFETY: the caller's promise.
        unsafe { slice(self.data, self.size) }
    }
}

impl CResult {
    fn fail(&mut self, status: u32, rule: usize, message: &str) {
        self.status = status;
        self.rule = offset(rule);
        let size = message.len().min(self.message.len());
        self.message[..size].copy_from_slice(&message.as_bytes()[..size]);
        self.message_size = size;
    }
}

/// The caller bounds sources far below 4 GiB.
fn offset(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

impl CFinding {
    fn of(finding: &Finding) -> CFinding {
        let pair = |range: &Range<usize>| (offset(range.start), offset(range.end));
        let (start, end) = pair(&finding.at);
        let (what_start, what_end) = pair(&finding.what);
        let (literal_start, literal_end) = pair(&finding.literal);
        let rule = offset(finding.rule);
        CFinding { rule, start, end, what_start, what_end, literal_start, literal_end }
    }
}

/// # Safety
/// The request's pointers are valid, `findings` for `capacity` items, and no text changes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sandpit_lint_run(request: &CRequest, result: &mut CResult) {
    *result = CResult {
        status: DONE,
        rule: 0,
        found: 0,
        parse_us: 0,
        message_size: 0,
        message: [0; 256],
    };
    // SAFETY: the caller's promise.
    let (language, source) = unsafe { (request.language.bytes(), request.source.bytes()) };
    let Some(language) = language::find(language) else {
        return result.fail(UNKNOWN_LANGUAGE, 0, "no grammar of that name");
    };
    let mut rules = Vec::new();
    // SAFETY: the caller's promise.
    for (index, rule) in unsafe { slice(request.rules, request.rule_count) }.iter().enumerate() {
        // SAFETY: the caller's promise.
        let texts = unsafe { [rule.query.bytes(), rule.only_if.bytes(), rule.unless.bytes()] };
        match texts.map(std::str::from_utf8) {
            [Ok(query), Ok(only_if), Ok(unless)] => rules.push(Rule { query, only_if, unless }),
            _ => return result.fail(BAD_QUERY, index, "no UTF-8"),
        }
    }
    if rules.is_empty() {
        return;
    }
    let budget = Duration::from_micros(request.budget_us);
    let Screened { end, findings, parse_time } =
        screen(&language, source, &rules, budget, request.capacity);
    match end {
        End::Done => {}
        End::More => result.status = MORE,
        End::TimedOut => result.status = TIMED_OUT,
        End::BadQuery { rule, message } => return result.fail(BAD_QUERY, rule, &message),
    }
    result.found = findings.len();
    result.parse_us = u64::try_from(parse_time.as_micros()).unwrap_or(u64::MAX);
    for (index, finding) in findings.iter().enumerate() {
        // SAFETY: there are at most `capacity` of them.
        unsafe { request.findings.add(index).write(CFinding::of(finding)) };
    }
}
