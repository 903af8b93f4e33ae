//! What verify and rotate have in common: who asks, with what, and whether there is room for it. In this order: a caller is
//! known before its body is received, and has a body before it takes a place among those that open values.

use std::sync::Arc;

use axum::extract::Request;
use sealer_core::{Label, SealingKey};

use crate::args::ApiAccess;
use crate::http::connections::Place;
use crate::http::open::{self, Outcome, Work};
use crate::http::openings::Opening;
use crate::http::posted::{Posted, Sealed};
use crate::http::refusal::Refusal;
use crate::http::{Endpoint, Shared, body};

/// Lets a request in.
pub(crate) async fn accept(shared: &Shared, request: Request) -> Result<(Posted, Opening), Refusal> {
    admit(shared, request).await.map_err(|refusal| shared.refuse(refusal))
}

async fn admit(shared: &Shared, request: Request) -> Result<(Posted, Opening), Refusal> {
    let (parts, body) = request.into_parts();
    let access = Endpoint::of(parts.uri.path()).access(&shared.context.config);
    let caller = match access {
        ApiAccess::Authorized => Some(shared.callers.authenticate(&shared.context, &parts.headers).await?),
        ApiAccess::On | ApiAccess::Off => None,
    };
    let body = body::receive(parts.extensions.get::<Arc<Place>>(), body).await?;
    let opening = shared.openings.begin().await?;
    // Two megabytes take a while.
    let posted = shared.threads.run_blocking(move || Posted::read(&body)).await;
    let posted = posted.unwrap_or(Err(Refusal::Malformed))?;
    if let Some(caller) = caller {
        let namespace = posted.metadata.namespace.as_deref().unwrap_or_default();
        shared.callers.authorize(&shared.context, &caller, namespace).await?;
    }
    Ok((posted, opening))
}

/// Opens what was posted, and seals it anew under a key if there is one.
pub(crate) async fn open(
    shared: &Shared,
    opening: &Opening,
    sealed: Sealed,
    label: Label,
    key: Option<SealingKey>,
) -> Outcome {
    let values = match sealed {
        Sealed::Items(items) => items,
        Sealed::Blob(blob) if shared.context.config.accept_v1_data => vec![(String::new(), blob)],
        Sealed::Blob(_) | Sealed::Never => return Outcome::Closed,
    };
    open::all(&shared.threads, opening, Work::new(values, label, shared.ring.load(), key)).await
}
