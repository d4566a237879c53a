//! Bounds one captured stream as `src/supervisor/output_collector.cc` bounds a pipe: the head and the
//! tail are kept, cut at UTF-8 boundaries, and the true count is told.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const LARGEST_TAIL: usize = 64 << 10;

#[derive(Default)]
pub struct Collector {
    limit: usize,
    tail_limit: usize,
    total: u64,
    head: Vec<u8>,
    after_head: Vec<u8>,
    tail: Vec<u8>,
}

fn is_continuation(byte: u8) -> bool {
    byte & 0xC0 == 0x80
}

impl Collector {
    fn new(limit: u64) -> Collector {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Collector { limit, tail_limit: (limit / 4).min(LARGEST_TAIL), ..Collector::default() }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        let room = self.limit - self.tail_limit - self.head.len();
        let (head, mut rest) = bytes.split_at(room.min(bytes.len()));
        self.head.extend_from_slice(head);
        if rest.is_empty() {
            return;
        }
        let missing = 3 - self.after_head.len();
        self.after_head.extend_from_slice(&rest[..missing.min(rest.len())]);
        // Only the last bytes can matter: a flood is not copied.
        rest = &rest[rest.len().saturating_sub(self.tail_limit)..];
        self.tail.extend_from_slice(rest);
        if self.tail.len() > 2 * self.tail_limit {
            self.trim();
        }
    }

    fn trim(&mut self) {
        let surplus = self.tail.len().saturating_sub(self.tail_limit);
        self.tail.drain(..surplus);
    }

    fn finish(mut self) -> (Vec<u8>, u64) {
        self.trim();
        let mut kept = std::mem::take(&mut self.head);
        if self.total <= self.limit as u64 {
            kept.extend_from_slice(&self.tail);
            return (kept, self.total);
        }
        kept.extend(self.after_head.iter().take_while(|byte| is_continuation(**byte)));
        let split = self.tail.iter().take(3).take_while(|byte| is_continuation(**byte)).count();
        kept.extend_from_slice(&self.tail[split..]);
        (kept, self.total)
    }
}

/// A collector that the guest's stream and the run share.
#[derive(Clone)]
pub struct Capture(Arc<Mutex<Collector>>);

impl Capture {
    pub fn new(limit: u64) -> Capture {
        Capture(Arc::new(Mutex::new(Collector::new(limit))))
    }

    pub fn write(&self, bytes: &[u8]) {
        self.lock().take(bytes);
    }

    /// What is kept, and how much was written.
    pub fn finish(&self) -> (Vec<u8>, u64) {
        std::mem::take(&mut *self.lock()).finish()
    }

    fn lock(&self) -> MutexGuard<'_, Collector> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_everything_within_the_limit() {
        let capture = Capture::new(100);
        capture.write(&[b'a'; 60]);
        capture.write(&[b'b'; 40]);
        let (kept, total) = capture.finish();
        assert_eq!(total, 100);
        assert_eq!(kept.len(), 100);
    }

    #[test]
    fn keeps_head_and_tail_of_a_flood_and_the_true_count() {
        let capture = Capture::new(8);
        for _ in 0..1000 {
            capture.write(b"0123456789");
        }
        assert_eq!(capture.finish(), (b"01234589".to_vec(), 10_000));
    }

    #[test]
    fn cuts_at_character_boundaries() {
        let capture = Capture::new(8);
        capture.write("ééééééééé".as_bytes());
        let (kept, _) = capture.finish();
        assert!(std::str::from_utf8(&kept).is_ok());
    }
}
