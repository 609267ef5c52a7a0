/// The partitions that a subscription reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    /// Those that a consumer group assigns to this member. The group's name is the configured one and this suffix.
    Group {
        /// For example `-archive`.
        suffix: &'static str,
    },
    /// All partitions, including those that are added later, independently of other consumers.
    Everything,
}

impl Membership {
    /// The group of the storing consumers.
    pub const STORE: Self = Self::Group { suffix: "" };
    /// The group of the consumers that store records of polls.
    pub const POLLS: Self = Self::Group { suffix: "-polls" };
    /// The group of the consumers that store alerts.
    pub const ALERT_HISTORY: Self = Self::Group { suffix: "-alert-history" };
    /// The group of the detecting consumers.
    pub const DETECT: Self = Self::Group { suffix: "-detect" };
}
