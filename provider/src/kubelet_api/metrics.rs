//! `/metrics`: the provider's own numbers, as Prometheus reads them (text format 0.0.4).

mod calls;
mod fleet;
mod queue;

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeGaugeValue, EncodeLabelSet, EncodeMetric, prometheus_text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::eci::Eci;
use crate::pods::startup_times::StartupTimes;
use crate::pods::store::PodStore;

/// The first word of all names.
const PREFIX: &str = "virtual_node";

/// The numbers of one provider; clones share them.
#[derive(Clone)]
pub struct Metrics(Arc<Registry>);

impl Metrics {
    /// Of the provider with this cloud and these pods.
    pub fn new(eci: Eci, store: PodStore, startup: &StartupTimes) -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        registry.register(
            "pod_startup_seconds",
            "Time of a pod on its way to Running, by stage",
            startup.family(),
        );
        registry.register_collector(Box::new(Collected(move |samples: &mut Samples<'_>| {
            calls::collect(samples, &eci)?;
            queue::collect(samples, store.queue())?;
            fleet::collect(samples, &store)
        })));
        Self(Arc::new(registry))
    }

    /// The text for what they are now.
    ///
    /// # Errors
    /// None but those of the encoder, which writes to memory.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        prometheus_text::encode(&mut text, &self.0)?;
        Ok(text)
    }
}

/// Numbers that are read when somebody asks.
struct Collected<F>(F);

impl<F> fmt::Debug for Collected<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Collected")
    }
}

impl<F> Collector for Collected<F>
where
    F: Fn(&mut Samples<'_>) -> fmt::Result + Send + Sync + 'static,
{
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.0(&mut Samples(encoder))
    }
}

/// Writer of the samples of one metric after the other.
struct Samples<'a>(DescriptorEncoder<'a>);

impl Samples<'_> {
    /// A gauge with the samples of each set of labels.
    fn gauge<L: EncodeLabelSet, N: EncodeGaugeValue>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (L, N)>,
    ) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, value) in samples {
            ConstGauge::new(value).encode(metric.encode_family(&labels)?)?;
        }
        Ok(())
    }

    /// A gauge without labels.
    fn one_gauge<N: EncodeGaugeValue>(&mut self, name: &str, help: &str, value: N) -> fmt::Result {
        ConstGauge::new(value).encode(self.0.encode_descriptor(name, help, None, MetricType::Gauge)?)
    }

    /// A counter without labels, whose name gets `_total`.
    fn one_counter(&mut self, name: &str, help: &str, value: f64) -> fmt::Result {
        ConstCounter::new(value).encode(self.0.encode_descriptor(name, help, None, MetricType::Counter)?)
    }

    /// A counter, whose name gets `_total`, with the samples of each set of labels.
    fn counter<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (L, f64)>,
    ) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, value) in samples {
            ConstCounter::new(value).encode(metric.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
