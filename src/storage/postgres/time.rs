use actors::domain::UnixTime;

/// Returns Unix seconds, clamped to the years 0001 to 9999, all of which PostgreSQL can represent.
pub(super) fn postgres_seconds(time: UnixTime) -> i64 {
    time.0.clamp(-62_135_596_800, 253_402_300_799)
}
