//! Configs of one client-metrics subscription.

use crate::config::spec::Check::*;

configs! {
    ROWS =
    Int "interval.ms" = "300000", Any, Medium, ClusterWide, Later:
        "TODO";
    List "match" = "", Any, Medium, ClusterWide, Later:
        "TODO";
    List "metrics" = "", Any, Medium, ClusterWide, Later:
        "TODO";
}
