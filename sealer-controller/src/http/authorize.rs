//! Who asks, and whether that account may update SealedSecrets in a namespace. The API server decides; its answers count for
//! a few seconds.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::time::Duration;

use axum::http::{HeaderMap, header};
use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec, UserInfo};
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use kube::Resource as _;
use parking_lot::{Mutex, MutexGuard};
use sealer_resource::SealedSecret;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::context::Context;
use crate::http::refusal::Refusal;
use crate::kube::collection::Collection;
use crate::kube::unreadable::unreadable_answer;

/// What is known about callers.
pub(crate) struct Callers {
    users: Answers<UserInfo>,
    /// Tokens of nobody, apart from users: anybody can make them up, and must not crowd users out.
    strangers: Answers<()>,
    rights: Answers<bool>,
    /// Two, so that the hash of a token is as long as a key.
    hashers: [RandomState; 2],
    at_once: Semaphore,
}

/// A caller that the API server knows.
pub(crate) struct Caller {
    token: Digest,
    user: UserInfo,
}

/// A token's hash under keys that only this process has: tokens themselves are not kept.
type Digest = [u64; 2];

impl Callers {
    pub(crate) fn new() -> Self {
        let hashers = [RandomState::new(), RandomState::new()];
        Self {
            users: Answers::default(),
            strangers: Answers::default(),
            rights: Answers::default(),
            hashers,
            at_once: Semaphore::new(AT_ONCE),
        }
    }

    /// Finds out who the bearer of a token is.
    pub(crate) async fn authenticate(&self, context: &Context, headers: &HeaderMap) -> Result<Caller, Refusal> {
        let token = bearer_token(headers).ok_or(Refusal::NoToken)?;
        let digest = self.digest(token);
        if self.strangers.get(digest).is_some() {
            return Err(Refusal::Unauthenticated);
        }
        if let Some(user) = self.users.get(digest) {
            return Ok(Caller { token: digest, user });
        }
        let Some(user) = self.review_token(context, token).await? else {
            self.strangers.put(digest, ());
            return Err(Refusal::Unauthenticated);
        };
        self.users.put(digest, user.clone());
        Ok(Caller { token: digest, user })
    }

    /// Finds out whether a caller may update SealedSecrets in a namespace.
    pub(crate) async fn authorize(&self, context: &Context, caller: &Caller, namespace: &str) -> Result<(), Refusal> {
        let digest = self.digest((caller.token, namespace));
        let is_allowed = match self.rights.get(digest) {
            Some(is_allowed) => is_allowed,
            None => {
                let is_allowed = self.review_access(context, caller, namespace).await?;
                self.rights.put(digest, is_allowed);
                is_allowed
            }
        };
        if is_allowed { Ok(()) } else { Err(Refusal::Forbidden) }
    }

    async fn review_token(&self, context: &Context, token: &str) -> Result<Option<UserInfo>, Refusal> {
        let _permit = self.at_once.try_acquire().map_err(|_| Refusal::Busy)?;
        let spec = TokenReviewSpec { token: Some(token.to_owned()), ..TokenReviewSpec::default() };
        let question = TokenReview { spec, ..TokenReview::default() };
        let path = TokenReview::url_path(&(), None);
        let answer: TokenReview = ask(context, path, &question).await?;
        let status = answer.status.unwrap_or_default();
        Ok(status.user.filter(|_| status.authenticated == Some(true)))
    }

    async fn review_access(&self, context: &Context, caller: &Caller, namespace: &str) -> Result<bool, Refusal> {
        let _permit = self.at_once.try_acquire().map_err(|_| Refusal::Busy)?;
        let wanted = ResourceAttributes {
            namespace: Some(namespace.to_owned()),
            group: Some(SealedSecret::group(&()).into_owned()),
            version: Some(SealedSecret::version(&()).into_owned()),
            resource: Some(SealedSecret::plural(&()).into_owned()),
            verb: Some("update".to_owned()),
            ..ResourceAttributes::default()
        };
        let UserInfo { username, uid, groups, extra } = caller.user.clone();
        let spec = SubjectAccessReviewSpec {
            resource_attributes: Some(wanted),
            user: username,
            uid,
            groups,
            extra,
            ..Default::default()
        };
        let question = SubjectAccessReview { spec, ..SubjectAccessReview::default() };
        let path = SubjectAccessReview::url_path(&(), None);
        let answer: SubjectAccessReview = ask(context, path, &question).await?;
        Ok(answer.status.is_some_and(|status| status.allowed))
    }

    fn digest(&self, what: impl Hash) -> Digest {
        self.hashers.each_ref().map(|hasher| hasher.hash_one(&what))
    }
}

/// Asks the API server something that it answers and does not keep.
async fn ask<T: DeserializeOwned>(context: &Context, path: String, question: &impl Serialize) -> Result<T, Refusal> {
    let reviews = Collection::new(context.client.clone(), path);
    // Whoever asks holds a place among those that open values.
    let answer = tokio::time::timeout(REQUEST_TIMEOUT, reviews.create(&context.write(), question)).await;
    let answer = answer.unwrap_or_else(|_| Err(kube::Error::Service("no answer in time".into())));
    let text = answer.map_err(|error| unanswered(&error))?;
    serde_json::from_str(&text).map_err(|_| unanswered(&unreadable_answer()))
}

fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// Logs why a caller cannot be checked. What the API server says may repeat the question, so its code alone is told.
fn unanswered(error: &kube::Error) -> Refusal {
    match error {
        kube::Error::Api(status) if status.is_forbidden() => tracing::error!(
            missing = "create tokenreviews.authentication.k8s.io and subjectaccessreviews.authorization.k8s.io",
            "callers cannot be checked: the controller lacks a right; grant it, or set --verify-api and --rotate-api to on or off"
        ),
        kube::Error::Api(status) => {
            tracing::error!(code = status.code, "callers cannot be checked: the API server refuses the question");
        }
        other => tracing::error!(error = crate::kube::refusal::answer(other), "callers cannot be checked"),
    }
    Refusal::Unverifiable
}

/// The last answers of the API server.
struct Answers<T>(Mutex<HashMap<Digest, (Instant, T)>>);

impl<T> Default for Answers<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Answers<T> {
    fn get(&self, digest: Digest) -> Option<T> {
        let answers = self.lock();
        answers.get(&digest).filter(|(until, _)| *until > Instant::now()).map(|(_, answer)| answer.clone())
    }

    fn put(&self, digest: Digest, answer: T) {
        let mut answers = self.lock();
        let now = Instant::now();
        if answers.len() >= REMEMBERED {
            answers.retain(|_, (until, _)| *until > now);
        }
        if answers.len() < REMEMBERED {
            answers.insert(digest, (now + REMEMBERED_FOR, answer));
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Digest, (Instant, T)>> {
        self.0.lock()
    }
}

/// Questions to the API server at the same time.
const AT_ONCE: usize = 16;
/// A revoked token or right counts for so long still.
const REMEMBERED_FOR: Duration = Duration::from_secs(10);
const REMEMBERED: usize = 1024;
/// The API server answers such questions in milliseconds.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests;
