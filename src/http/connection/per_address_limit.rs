//! How much of something the clients at one address may have.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use actors::domain::AddressBlock;

/// What each address has of something, and may have at most. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct PerAddressLimit {
    most: usize,
    /// Addresses that have nothing are not kept.
    taken: Arc<Mutex<HashMap<AddressBlock, usize>>>,
}

/// What an address has taken, until it is dropped.
#[derive(Debug)]
pub(crate) struct AddressPermit {
    of: PerAddressLimit,
    address: AddressBlock,
    amount: usize,
}

impl PerAddressLimit {
    /// With this for each address at most.
    pub(crate) fn new(most: usize) -> Self {
        Self { most, taken: Arc::default() }
    }

    /// A share for an address; `None` where it would have too much with it.
    pub(crate) fn try_acquire(&self, address: AddressBlock, amount: usize) -> Option<AddressPermit> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let has = taken.get(&address).copied().unwrap_or_default();
        let has = has.checked_add(amount).filter(|has| *has <= self.most)?;
        taken.insert(address, has);
        Some(AddressPermit { of: self.clone(), address, amount })
    }
}

impl Drop for AddressPermit {
    fn drop(&mut self) {
        let mut taken = self.of.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(has) = taken.get_mut(&self.address) {
            *has = has.saturating_sub(self.amount);
            if *has == 0 {
                taken.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    #[test]
    fn each_address_has_as_much_as_it_may_and_gives_it_back() {
        let [one, other] = ["192.0.2.1", "192.0.2.2"].map(|text| text.parse::<IpAddr>().unwrap().into());
        let limit = PerAddressLimit::new(3);
        let two = limit.try_acquire(one, 2).unwrap();
        assert!(limit.try_acquire(one, 2).is_none() && limit.try_acquire(one, usize::MAX).is_none());
        let third = limit.try_acquire(one, 1).unwrap();
        let all = limit.try_acquire(other, 3).unwrap();
        drop(two);
        let two = limit.try_acquire(one, 2).unwrap();
        drop((two, third, all));
        assert!(limit.taken.lock().unwrap().is_empty(), "who has nothing is forgotten");
    }
}
