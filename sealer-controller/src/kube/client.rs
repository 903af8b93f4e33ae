//! The connection to the API server: how long a request may take, how often one may be made, and who writes.

use std::time::Duration;

use governor::Quota;
use kube::Client;
use kube::api::PostParams;
use kube::client::ClientBuilder;
use tower::timeout::TimeoutLayer;

use crate::kube::throttle::Throttle;

/// Finds the cluster, inside a Pod or through KUBECONFIG; an error says in words why there is none. `limit` bounds the
/// rate of requests.
pub(crate) async fn connect(limit: Option<Quota>) -> Result<Client, String> {
    let mut cluster = kube::Config::infer().await.map_err(|error| error.to_string())?;
    // Minutes of silent attempts inside one call would keep others waiting, and nobody would learn why.
    cluster.default_retry = false;
    cluster.read_timeout = Some(IDLE_TIMEOUT);
    let builder = ClientBuilder::try_from(cluster).map_err(|error| error.to_string())?;
    let builder = builder.with_layer(&TimeoutLayer::new(REQUEST_TIMEOUT));
    Ok(match limit {
        Some(limit) => builder.with_layer(&Throttle::new(limit)).build(),
        None => builder.build(),
    })
}

/// What every write says of its writer; the name is the one that existing installations show.
pub(crate) fn write_params() -> PostParams {
    PostParams { field_manager: Some("controller".to_owned()), ..PostParams::default() }
}

/// The API server itself gives a call up after a minute.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(65);
/// A connection that says nothing for that long is dead: watches end before, after 290 seconds.
const IDLE_TIMEOUT: Duration = Duration::from_secs(295);
