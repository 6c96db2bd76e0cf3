//! The tokio shell over real sockets.

// A test that meets what it does not expect ends there.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod fake;

use fake::{api_versions, handler, serve};
use headwater_client::core::admin::DescribeCluster;
use headwater_client::{Address, AdminClient, ClientConfig};
use headwater_protocol::ApiKey;
use headwater_protocol::messages::describe_cluster::DescribeClusterResponse;
use headwater_protocol::wire::Str;
use tokio::net::TcpListener;

/// A broker on a free port of 127.0.0.1 that writes `piece` bytes at a time.
async fn listen(piece: usize) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let handler = handler(|asked| match asked.api {
        ApiKey::ApiVersions => api_versions(asked, &[ApiKey::DescribeCluster]),
        _ => asked.answer(&DescribeClusterResponse {
            cluster_id: Str::from_static("c"),
            ..Default::default()
        }),
    });
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, handler.clone(), 0, piece));
        }
    });
    port
}

async fn cluster_id(host: &str, port: u16) -> Option<String> {
    let bootstrap = vec![Address { host: host.to_owned(), port }];
    let config = ClientConfig { bootstrap_attempts_max: 1, ..ClientConfig::new(bootstrap) };
    let admin = AdminClient::new(config);
    admin.describe_cluster(DescribeCluster::default()).await.unwrap().cluster_id
}

#[tokio::test]
async fn answers_may_come_byte_by_byte() {
    let port = listen(1).await;
    assert_eq!(cluster_id("127.0.0.1", port).await.as_deref(), Some("c"));
}

#[tokio::test]
async fn every_address_of_a_name_is_tried() {
    // `localhost` may stand for ::1 first, where nobody listens.
    let port = listen(1_000).await;
    assert_eq!(cluster_id("localhost", port).await.as_deref(), Some("c"));
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_reported_with_its_address() {
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().port()
    };
    let bootstrap = vec![Address { host: "127.0.0.1".to_owned(), port }];
    let config = ClientConfig { bootstrap_attempts_max: 1, ..ClientConfig::new(bootstrap) };
    let admin = AdminClient::new(config);
    let error = admin.describe_cluster(DescribeCluster::default()).await.unwrap_err();
    assert!(error.is_unreachable());
    assert!(error.to_string().contains(&format!("127.0.0.1:{port}")), "{error}");
}
