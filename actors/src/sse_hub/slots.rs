use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Allocates the lowest free slot, so that slots stay dense as aircraft come and go.
#[derive(Debug, Default)]
pub(super) struct SlotAllocator {
    free: BinaryHeap<Reverse<u32>>,
    next: u32,
}

impl SlotAllocator {
    /// Allocates a free slot.
    pub(super) fn allocate(&mut self) -> u32 {
        if let Some(Reverse(number)) = self.free.pop() {
            return number;
        }
        self.next += 1;
        self.next - 1
    }

    /// Frees a slot.
    pub(super) fn free(&mut self, number: u32) {
        self.free.push(Reverse(number));
    }
}
