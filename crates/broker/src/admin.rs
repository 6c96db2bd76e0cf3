//! The small HTTP port for operators: metrics, health, the log level.
//!
//! It listens on loopback unless told otherwise and knows no authentication; it tells no record's
//! contents and changes nothing but the level of the log output.

use crate::acceptor::{BoundListener, ListenError, bind};
use crate::metrics;
use crate::options::SetLogLevel;
use crate::shared::Shared;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Connections served at once; more wait in the kernel.
const CONNECTIONS_MAX: usize = 16;
/// Time a client has to send its request's head.
const HEAD_TIME_MAX: Duration = Duration::from_secs(5);
/// Longest body taken: the name of a level, or a list of `target=level`.
const BODY_BYTES_MAX: usize = 4096;
/// The content type of Prometheus' text format.
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Opens the port.
pub(crate) fn open(host: &str, port: u16) -> Result<BoundListener, ListenError> {
    bind("metrics", host, port, CONNECTIONS_MAX as i32)
}

/// Serves until its task is aborted.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    listener: BoundListener,
    set_log_level: Option<SetLogLevel>,
) {
    let socket = match tokio::net::TcpListener::from_std(listener.socket) {
        Ok(socket) => socket,
        Err(error) => {
            tracing::error!(%error, "the metrics port could not be registered");
            return;
        }
    };
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let stream = match socket.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::debug!(%error, "a connection to the metrics port failed");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let (shared, set_log_level) = (Arc::clone(&shared), set_log_level.clone());
        tokio::task::spawn_local(async move {
            let service =
                service_fn(|request| answer(Arc::clone(&shared), set_log_level.clone(), request));
            let served = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_TIME_MAX)
                .keep_alive(false)
                .serve_connection(TokioIo::new(stream), service)
                .await;
            if let Err(error) = served {
                tracing::debug!(%error, "a request to the metrics port failed");
            }
            drop(place);
        });
    }
}

async fn answer(
    shared: Arc<Shared>,
    set_log_level: Option<SetLogLevel>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let response = match (request.method(), request.uri().path()) {
        (&Method::GET, "/metrics") => {
            let mut response = text(StatusCode::OK, metrics::render(&shared));
            if let Ok(kind) = METRICS_TYPE.parse() {
                response.headers_mut().insert(hyper::header::CONTENT_TYPE, kind);
            }
            response
        }
        // Alive is whoever can say so.
        (&Method::GET, "/healthz") => text(StatusCode::OK, "ok\n"),
        (&Method::GET, "/readyz") => ready(&shared),
        (&Method::PUT, "/log-level") => change_level(set_log_level, request).await,
        (_, "/metrics" | "/healthz" | "/readyz" | "/log-level") => {
            text(StatusCode::METHOD_NOT_ALLOWED, "GET, or PUT for /log-level\n")
        }
        _ => text(StatusCode::NOT_FOUND, "try /metrics, /healthz, /readyz or PUT /log-level\n"),
    };
    Ok(response)
}

/// Ready is a broker that is registered, whose controller runs and whose folders all work.
fn ready(shared: &Shared) -> Response<Full<Bytes>> {
    if let Some(failure) = shared.controller.get().and_then(|controller| controller.failure()) {
        let told = format!("the controller has stopped: {failure}\n");
        return text(StatusCode::SERVICE_UNAVAILABLE, told);
    }
    let registered = shared.node.view().image.is_active(shared.node.me());
    let failed: Vec<_> = shared
        .node
        .folders()
        .iter()
        .filter(|folder| folder.has_failed())
        .map(|folder| folder.path().display().to_string())
        .collect();
    if !registered {
        text(StatusCode::SERVICE_UNAVAILABLE, "not registered yet\n")
    } else if !failed.is_empty() {
        let list = failed.join(", ");
        text(StatusCode::SERVICE_UNAVAILABLE, format!("log folders out of service: {list}\n"))
    } else {
        text(StatusCode::OK, "ready\n")
    }
}

async fn change_level(
    set_log_level: Option<SetLogLevel>,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    let Some(set) = set_log_level else {
        return text(
            StatusCode::NOT_IMPLEMENTED,
            "this program does not let its level be changed\n",
        );
    };
    let body = Limited::new(request.into_body(), BODY_BYTES_MAX).collect().await;
    let level = body.ok().and_then(|body| String::from_utf8(body.to_bytes().to_vec()).ok());
    let Some(level) = level else {
        return text(StatusCode::BAD_REQUEST, "the body must be a level, e.g. debug\n");
    };
    match set(level.trim()) {
        Ok(()) => text(StatusCode::OK, "changed\n"),
        Err(problem) => text(StatusCode::BAD_REQUEST, format!("{problem}\n")),
    }
}

fn text(status: StatusCode, body: impl Into<String>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body.into())));
    *response.status_mut() = status;
    response
}
