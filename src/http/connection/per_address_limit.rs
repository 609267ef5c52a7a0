//! Limits the resources that clients at one address may use.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use actors::domain::AddressBlock;

/// Counts the resources that each address uses, up to a limit. Clones share the counts.
#[derive(Clone, Debug)]
pub(crate) struct PerAddressLimit {
    limit: usize,
    /// The amount by address. Addresses that use nothing are removed.
    occupied: Arc<Mutex<HashMap<AddressBlock, usize>>>,
}

/// An amount acquired by an address, released on drop.
#[derive(Debug)]
pub(crate) struct AddressPermit {
    limit: PerAddressLimit,
    address: AddressBlock,
    amount: usize,
}

impl PerAddressLimit {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, occupied: Arc::default() }
    }

    /// Acquires an amount for an address. Returns `None` if that would exceed the limit.
    pub(crate) fn try_acquire(&self, address: AddressBlock, amount: usize) -> Option<AddressPermit> {
        let mut occupied = self.occupied.lock().unwrap_or_else(PoisonError::into_inner);
        let total = occupied.get(&address).copied().unwrap_or_default();
        let total = total.checked_add(amount).filter(|total| *total <= self.limit)?;
        occupied.insert(address, total);
        Some(AddressPermit { limit: self.clone(), address, amount })
    }
}

impl Drop for AddressPermit {
    fn drop(&mut self) {
        let mut occupied = self.limit.occupied.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(total) = occupied.get_mut(&self.address) {
            *total = total.saturating_sub(self.amount);
            if *total == 0 {
                occupied.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    #[test]
    fn an_address_acquires_permits_up_to_its_limit_and_releases_them() {
        let [one, other] = ["192.0.2.1", "192.0.2.2"].map(|text| text.parse::<IpAddr>().unwrap().into());
        let limit = PerAddressLimit::new(3);
        let two = limit.try_acquire(one, 2).unwrap();
        assert!(limit.try_acquire(one, 2).is_none() && limit.try_acquire(one, usize::MAX).is_none());
        let third = limit.try_acquire(one, 1).unwrap();
        let all = limit.try_acquire(other, 3).unwrap();
        drop(two);
        let two = limit.try_acquire(one, 2).unwrap();
        drop((two, third, all));
        assert!(limit.occupied.lock().unwrap().is_empty(), "an address without permits is still counted");
    }
}
