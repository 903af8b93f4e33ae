//! Makes the cluster match its SealedSecrets: reads keys, watches objects, writes Secrets, serves the certificate.
//!
//! `args` reads flags into a [`Config`]; `keys` holds the ring; `watch` feeds the `queue`; `reconcile` works it off:
//! it opens, plans (pure) and applies. `http` serves clients, `admin` serves metrics.

use std::process::ExitCode;
use std::sync::Arc;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::args::{Config, Request};
use crate::context::Context;
use crate::error::StartError;

mod admin;
mod args;
mod context;
mod error;
mod http;
mod keys;
mod metrics;
mod queue;
mod reconcile;
mod signals;
mod telemetry;
mod watch;

/// Runs the program: reads flags and environment, then works until it is told to stop.
pub fn main(args: Vec<String>, variable: impl Fn(&str) -> Option<String>) -> ExitCode {
    let config = match args::read(&args, variable) {
        Ok(Request::Run(config)) => config,
        Ok(Request::Print(text)) => return telemetry::print(&text),
        Err(error) => return telemetry::refuse(&error.to_string(), USAGE_ERROR),
    };
    telemetry::init(&config.log);
    telemetry::quiet_panics();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = runtime.map_err(StartError::Runtime).and_then(|runtime| runtime.block_on(run(*config)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => telemetry::refuse(&error.to_string(), FAILURE),
    }
}

/// Starts every task, waits for a signal or for one that cannot go on, and drains.
async fn run(config: Config) -> Result<(), StartError> {
    tracing::info!(version = VERSION, "Starting sealed-secrets controller");
    // kube takes the process's provider; a second one in the tree would make the choice ambiguous.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let stop = CancellationToken::new();
    let context = Arc::new(Context::connect(config).await?);
    keys::start(&context).await?;
    let mut tasks: JoinSet<Result<(), StartError>> = JoinSet::new();
    tasks.spawn(http::serve(context.clone(), stop.clone()));
    tasks.spawn(admin::serve(context.clone(), stop.clone()));
    tasks.spawn(keys::follow(context.clone(), stop.clone()));
    tasks.spawn(keys::renew(context.clone(), stop.clone()));
    tasks.spawn(watch::run(context.clone(), stop.clone()));
    tasks.spawn(reconcile::work(context.clone(), stop.clone()));
    tasks.spawn(signals::wait(context, stop.clone()));
    let first = tasks.join_next().await;
    tracing::info!("Shutting down controller");
    stop.cancel();
    while tasks.join_next().await.is_some() {}
    match first {
        Some(Ok(outcome)) => outcome,
        Some(Err(_)) => Err(StartError::Task),
        None => Ok(()),
    }
}

/// Version that is logged, printed and shown as a metric.
const VERSION: &str = env!("CARGO_PKG_VERSION");
const USAGE_ERROR: u8 = 2;
const FAILURE: u8 = 1;
