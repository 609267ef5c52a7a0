use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Small numbers for things that come and go: the lowest free one is given next, so they stay dense.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    free: BinaryHeap<Reverse<u32>>,
    next: u32,
}

impl Numbers {
    /// A number that nothing has.
    pub(super) fn take(&mut self) -> u32 {
        if let Some(Reverse(number)) = self.free.pop() {
            return number;
        }
        self.next += 1;
        self.next - 1
    }

    /// Gives a number back.
    pub(super) fn give_back(&mut self, number: u32) {
        self.free.push(Reverse(number));
    }
}
