/// Which partitions a subscription reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    /// Its share, as a member of the consumer group.
    Group,
    /// All, including those added later, whatever other consumers read.
    Everything,
}
