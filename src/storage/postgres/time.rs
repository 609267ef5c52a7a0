use actors::domain::UnixTime;

/// Unix seconds, clamped to the times that PostgreSQL can represent.
pub(super) fn postgres_seconds(time: UnixTime) -> i64 {
    time.0.clamp(-62_135_596_800, 253_402_300_799)
}
