/// The partitions that a subscription reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    /// Those that the consumer group assigns to this member.
    Group,
    /// All partitions, including those that are added later, independently of other consumers.
    Everything,
}
