use std::io::Write;

fn main() {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    loop {
        writeln!(out, "{}", "x".repeat(63)).unwrap();
    }
}
