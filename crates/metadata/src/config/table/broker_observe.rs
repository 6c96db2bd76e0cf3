//! Broker configs: quotas, metrics, telemetry.

use crate::config::spec::Check::*;

configs! {
    ROWS =
    Class "client.quota.callback.class" = null, Any, Low, ReadOnly, Later:
        "TODO";
    List "config.providers" = "", Any, Low, ClusterWide, Later:
        "TODO";
    Int "kafka.metrics.polling.interval.secs" = "10", AtLeast(1), Low, ReadOnly, Later:
        "TODO";
    List "kafka.metrics.reporters" = "", Any, Low, ReadOnly, Later:
        "TODO";
    List "metric.reporters" = "org.apache.kafka.common.metrics.JmxReporter", Any, Low, ClusterWide, Later:
        "TODO";
    Int "metrics.num.samples" = "2", AtLeast(1), Low, ReadOnly, Later:
        "TODO";
    String "metrics.recording.level" = "INFO", Any, Low, ReadOnly, Later:
        "TODO";
    Long "metrics.sample.window.ms" = "30000", AtLeast(1), Low, ReadOnly, Later:
        "TODO";
    Int "quota.window.num" = "11", AtLeast(1), Low, ReadOnly, Later:
        "TODO";
    Int "quota.window.size.seconds" = "1", AtLeast(1), Low, ReadOnly, Later:
        "TODO";
    Int "telemetry.max.bytes" = "1048576", AtLeast(1), Low, ReadOnly, Later:
        "TODO";
}
