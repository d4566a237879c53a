//! What a call tells: the same fields as `wasm::Report` in `src/engine/wasm/report.h`.

/// The values of `wasm::End`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum End {
    Exited = 0,
    Trapped = 1,
    Deadline = 2,
    CpuTime = 3,
    Memory = 4,
    Invalid = 5,
    Refused = 6,
    Usage = 7,
    #[default]
    Internal = 8,
}

#[derive(Clone, Debug, Default)]
pub struct Problem {
    pub message: String,
    pub place: String,
    pub hint: String,
}

impl Problem {
    pub fn new(message: impl Into<String>) -> Problem {
        Problem { message: message.into(), ..Problem::default() }
    }
    pub fn at(mut self, place: impl Into<String>) -> Problem {
        self.place = place.into();
        self
    }
    pub fn hint(mut self, hint: impl Into<String>) -> Problem {
        self.hint = hint.into();
        self
    }
}

#[derive(Debug, Default)]
pub struct Report {
    pub end: End,
    pub exit_code: u32,
    pub trap: String,
    pub message: String,
    pub problems: Vec<Problem>,
    pub fuel_used: Option<u64>,
    pub memory_high_water: u64,
    pub compiled: Compiled,
    pub backtrace: Vec<String>,
    pub denied: Vec<String>,
    pub out: Vec<u8>,
    pub err: Vec<u8>,
    pub out_bytes: u64,
    pub err_bytes: u64,
}

/// How a program came to be.
#[derive(Clone, Debug, Default)]
pub struct Compiled {
    pub micros: i64,
    pub loaded: bool,
    pub stored: bool,
    pub compiler: &'static str,
}

impl Report {
    pub fn new(end: End, message: impl Into<String>) -> Report {
        Report { end, message: message.into(), ..Report::default() }
    }

    /// The message is that of the first problem.
    pub fn of(end: End, problems: Vec<Problem>) -> Report {
        let message = match problems.first() {
            Some(problem) => problem.message.lines().next().unwrap_or_default().to_owned(),
            None => String::new(),
        };
        Report { end, message, problems, ..Report::default() }
    }

    pub fn internal(error: &wasmtime::Error) -> Report {
        Report::new(End::Internal, format!("{error:#}"))
    }
}
