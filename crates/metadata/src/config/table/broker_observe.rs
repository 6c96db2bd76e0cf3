//! Broker configs: quotas, metrics, telemetry.

use crate::config::spec::Check::*;

configs! {
    ROWS =
    Class "client.quota.callback.class" = null, Any, Low, ReadOnly, Inapplicable:
        "A Java class that decides on quotas.";
    List "config.providers" = "", Any, Low, ClusterWide, Inapplicable:
        "Java classes that fetch values from elsewhere.";
    Int "controller.quota.window.num" = "11", AtLeast(1), Low, ReadOnly, Later:
        "Samples over which changes of metadata are throttled.";
    Int "controller.quota.window.size.seconds" = "1", AtLeast(1), Low, ReadOnly, Later:
        "Length of such a sample.";
    Int "kafka.metrics.polling.interval.secs" = "10", AtLeast(1), Low, ReadOnly, Inapplicable:
        "Of Java classes for metrics; Headwater serves Prometheus text.";
    List "kafka.metrics.reporters" = "", Any, Low, ReadOnly, Inapplicable:
        "Java classes for metrics; Headwater serves Prometheus text.";
    List "metric.reporters" = "org.apache.kafka.common.metrics.JmxReporter", Any,
        Low, ClusterWide, Inapplicable:
        "Java classes for metrics; Headwater serves Prometheus text.";
    Int "metrics.num.samples" = "2", AtLeast(1), Low, ReadOnly, Inapplicable:
        "Of Kafka's own metrics; Headwater's are counted without a window.";
    String "metrics.recording.level" = "INFO", Any, Low, ReadOnly, Inapplicable:
        "Of Kafka's own metrics.";
    Long "metrics.sample.window.ms" = "30000", AtLeast(1), Low, ReadOnly, Inapplicable:
        "Of Kafka's own metrics; Headwater's are counted without a window.";
    Int "quota.window.num" = "11", AtLeast(1), Low, ReadOnly, Later:
        "Samples over which clients are throttled.";
    Int "quota.window.size.seconds" = "1", AtLeast(1), Low, ReadOnly, Later:
        "Length of such a sample.";
    Int "telemetry.max.bytes" = "1048576", AtLeast(1), Low, ReadOnly, Later:
        "The most that a client pushes of its metrics at once.";
}
