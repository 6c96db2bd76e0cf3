//! Configs of one client-metrics subscription.

use crate::config::spec::Check::*;

configs! {
    ROWS =
    Int "interval.ms" = "300000", Any, Medium, ClusterWide, Later:
        "How often matching clients push their metrics.";
    List "match" = "", Any, Medium, ClusterWide, Later:
        "Which clients the subscription is for, as key=pattern.";
    List "metrics" = "", Any, Medium, ClusterWide, Later:
        "Beginnings of the names of the metrics to push; empty for none, `*` for all.";
}
