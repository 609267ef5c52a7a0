macro_rules! user_agent {
    () => {
        concat!("flight-monitor/", env!("CARGO_PKG_VERSION"))
    };
}

/// The value of the header `User-Agent`.
pub(super) const USER_AGENT_VALUE: &str = user_agent!();

/// The `User-Agent` line of a CONNECT request.
pub(super) const USER_AGENT_LINE: &str = concat!("User-Agent: ", user_agent!(), "\r\n");
