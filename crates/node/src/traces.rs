//! Where traced messages are told: to an OpenTelemetry collector, if the settings name one.
//!
//! Steps wait in a bounded queue for a thread that sends them by OTLP over HTTP; what does not fit is dropped, and that
//! is logged. Deliberately absent: TLS, which a collector on this machine speaks onwards.

use std::time::Duration;

use anyhow::ensure;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider};

use crate::config;

/// Steps that wait to be told at most, some hundred bytes each.
const QUEUE_STEPS_MAX: usize = 4_096;

/// Steps told at once.
const STEPS_AT_ONCE: usize = 512;

/// Steps wait for others for this long.
const GATHER: Duration = Duration::from_secs(1);

/// The collector answers within this time; also at the end of the process.
const PATIENCE: Duration = Duration::from_secs(5);

/// Tells the collector; without one there is nothing in it.
pub struct Traces(Option<SdkTracerProvider>);

/// Begins to trace messages, if there is a collector.
///
/// # Errors
/// The settings cannot be.
pub fn start(settings: &config::Tracing) -> anyhow::Result<Traces> {
    let config::Tracing { otlp_endpoint, sample_ratio } = settings;
    ensure!(
        (0.0..=1.0).contains(sample_ratio),
        "tracing.sample_ratio: {sample_ratio} is no share; give one from 0.0 to 1.0"
    );
    if otlp_endpoint.is_empty() {
        return Ok(Traces(None));
    }
    ensure!(
        otlp_endpoint.starts_with("http://"),
        "tracing.otlp_endpoint: `{otlp_endpoint}` is not http://…; have a collector on this machine pass it on over TLS"
    );
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", otlp_endpoint.trim_end_matches('/')))
        .with_timeout(PATIENCE)
        .build()
        .map_err(|error| {
            anyhow::anyhow!("tracing.otlp_endpoint: `{otlp_endpoint}` cannot be used: {error}")
        })?;
    let bounds = BatchConfigBuilder::default()
        .with_max_queue_size(QUEUE_STEPS_MAX)
        .with_max_export_batch_size(STEPS_AT_ONCE)
        .with_scheduled_delay(GATHER)
        .build();
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(*sample_ratio)));
    let provider = SdkTracerProvider::builder()
        .with_span_processor(BatchSpanProcessor::builder(exporter).with_batch_config(bounds).build())
        .with_sampler(sampler)
        .with_resource(Resource::builder().with_service_name("connect-chat").build())
        .build();
    contracts::trace::install(provider.tracer("connect-chat"));
    tracing::info!(otlp_endpoint, sample_ratio, "messages are traced");
    Ok(Traces(Some(provider)))
}

impl Traces {
    /// Tells what still waits. Blocks for a bounded time.
    pub fn end(self) {
        if let Some(Err(error)) = self.0.map(|provider| provider.shutdown_with_timeout(PATIENCE)) {
            tracing::warn!(%error, "the last steps of traced messages were not told");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_that_cannot_be_is_found_out_only_when_no_trace_comes() {
        let refusal = |endpoint: &str, sample_ratio| {
            let settings = config::Tracing { otlp_endpoint: endpoint.to_owned(), sample_ratio };
            start(&settings).err().map(|error| error.to_string()).unwrap_or_default()
        };
        assert!(refusal("https://127.0.0.1:4318", 0.1).contains("http://"));
        assert!(refusal("127.0.0.1:4318", 0.1).contains("tracing.otlp_endpoint"));
        assert!(refusal("", 1.5).contains("tracing.sample_ratio"));
        assert_eq!(refusal("", 1.0), "");
    }
}
