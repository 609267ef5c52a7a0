use rdkafka::error::KafkaError;

/// Runs a blocking librdkafka call on tokio's blocking thread pool.
pub(super) async fn blocking<T: Send + 'static>(
    call: impl FnOnce() -> Result<T, KafkaError> + Send + 'static,
) -> Result<T, KafkaError> {
    tokio::task::spawn_blocking(call).await.map_err(|_| KafkaError::Canceled)?
}
