//! The pieces of the checkpoint in the cluster: Secrets of a type of their own, since that is what every installation
//! may write.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;
use kube::api::ObjectMeta;

use crate::cache::checkpoint::piece;
use crate::context::Context;
use crate::reserved::{CHECKPOINT_PREFIX, CHECKPOINT_TYPE, comes_from_sealed_secret};

/// What was read or written last.
#[derive(Default)]
pub(super) struct Saved {
    pub(super) is_allowed: bool,
    /// The state of the index that is written.
    pub(super) changes: u64,
    /// Of each piece: its version, and the hash of its text.
    pieces: Vec<(Option<String>, u64)>,
}

impl Saved {
    pub(super) fn pieces(&self) -> usize {
        self.pieces.len()
    }
}

/// Reads all pieces; what cannot be read is left out.
pub(super) async fn read(context: &Context, saved: &mut Saved) -> Vec<Vec<u8>> {
    let mut texts = Vec::new();
    let mut count = 1;
    for number in 0..MOST_PIECES {
        if number >= count {
            break;
        }
        let Ok(found) = context.secrets(&context.config.namespace).get_opt(&name(number)).await else {
            // It is written anew all the same, over whatever is there then.
            return texts;
        };
        if found.as_ref().is_some_and(|secret| secret.type_.as_deref() != Some(CHECKPOINT_TYPE)) {
            tracing::warn!(secret = name(number), "a Secret of this name is no checkpoint; none is kept");
            saved.is_allowed = false;
            return Vec::new();
        }
        let version = found.as_ref().and_then(kube::ResourceExt::resource_version);
        // What a SealedSecret made is not what we wrote; it is written over.
        let written = found.filter(|secret| !comes_from_sealed_secret(&secret.metadata));
        let text = written.and_then(|secret| secret.data?.remove(ITEM)).map(|text| text.0).unwrap_or_default();
        if number == 0 {
            count = piece::pieces(&text).filter(|count| count.is_power_of_two()).unwrap_or(1);
        }
        saved.pieces.push((version, piece::hash(&text)));
        texts.push(text);
    }
    texts
}

/// Writes a piece, if it says something new.
pub(super) async fn write(
    context: &Context,
    saved: &mut Saved,
    number: usize,
    text: Vec<u8>,
) -> Result<(), kube::Error> {
    let hash = piece::hash(&text);
    if saved.pieces.len() <= number {
        saved.pieces.resize_with(number + 1, Default::default);
    }
    let Some((version, written)) = saved.pieces.get_mut(number) else { return Ok(()) };
    if *written == hash && version.is_some() {
        return Ok(());
    }
    let api = context.secrets(&context.config.namespace);
    let mut secret = secret(number, text);
    secret.metadata.resource_version.clone_from(version);
    let attempt = match version {
        Some(_) => api.replace(&name(number), &context.write(), &secret).await,
        None => api.create(&context.write(), &secret).await,
    };
    let stored = match attempt {
        Ok(stored) => stored,
        // Another controller, or somebody who cleaned up. What this one knows is newer.
        Err(kube::Error::Api(status))
            if status.is_conflict() || status.is_already_exists() || status.is_not_found() =>
        {
            let live = api.get_opt(&name(number)).await?;
            secret.metadata.resource_version = live.as_ref().and_then(kube::ResourceExt::resource_version);
            match live.filter(|live| live.type_.as_deref() == Some(CHECKPOINT_TYPE)) {
                Some(_) => api.replace(&name(number), &context.write(), &secret).await?,
                None => api.create(&context.write(), &secret).await?,
            }
        }
        Err(error) => return Err(error),
    };
    (*version, *written) = (stored.resource_version(), hash);
    Ok(())
}

fn secret(number: usize, text: Vec<u8>) -> Secret {
    Secret {
        metadata: ObjectMeta { name: Some(name(number)), ..ObjectMeta::default() },
        type_: Some(CHECKPOINT_TYPE.to_owned()),
        data: Some(BTreeMap::from([(ITEM.to_owned(), ByteString(text))])),
        ..Secret::default()
    }
}

fn name(number: usize) -> String {
    format!("{CHECKPOINT_PREFIX}{number}")
}

const ITEM: &str = "checkpoint";
/// Half a million objects.
const MOST_PIECES: usize = 256;
