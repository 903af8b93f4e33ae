//! The objects of one kind: requests go out as kube writes them, answers come back as text.

use kube::api::{DeleteParams, PostParams};
use kube::{Client, core};
use serde::Serialize;
use serde_json::Value;

use crate::kube::call::{call, list};
use crate::kube::page::{self, Page};
use crate::kube::unreadable::unreadable_answer;

/// The objects of one kind in a namespace, or in all.
#[derive(Clone)]
pub(crate) struct Collection {
    client: Client,
    path: String,
}

impl Collection {
    /// `path` is that of the collection, such as `/api/v1/namespaces/ns/secrets`.
    pub(crate) fn new(client: Client, path: String) -> Self {
        Self { client, path }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn request(&self) -> core::Request {
        core::Request::new(self.path.clone())
    }

    /// One object; `None` if there is none of that name.
    pub(crate) async fn get_opt(&self, name: &str) -> Result<Option<String>, kube::Error> {
        let request = self.request().get(name, &kube::api::GetParams::default()).map_err(kube::Error::BuildRequest)?;
        match call(&self.client, request).await {
            Ok(text) => Ok(Some(text)),
            Err(kube::Error::Api(status)) if status.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn create(&self, params: &PostParams, object: &impl Serialize) -> Result<String, kube::Error> {
        let request = self.request().create(params, body(object)?).map_err(kube::Error::BuildRequest)?;
        call(&self.client, request).await
    }

    pub(crate) async fn replace(
        &self,
        name: &str,
        params: &PostParams,
        object: &impl Serialize,
    ) -> Result<String, kube::Error> {
        let request = self.request().replace(name, params, body(object)?).map_err(kube::Error::BuildRequest)?;
        call(&self.client, request).await
    }

    pub(crate) async fn replace_status(
        &self,
        name: &str,
        params: &PostParams,
        object: &Value,
    ) -> Result<String, kube::Error> {
        let request = self.request().replace_subresource("status", name, params, body(object)?);
        call(&self.client, request.map_err(kube::Error::BuildRequest)?).await
    }

    pub(crate) async fn delete(&self, name: &str, params: &DeleteParams) -> Result<String, kube::Error> {
        let request = self.request().delete(name, params).map_err(kube::Error::BuildRequest)?;
        call(&self.client, request).await
    }

    /// Every object that the selector names, each handed to `take` by itself.
    pub(crate) async fn list(&self, selector: &str, mut take: impl FnMut(&str)) -> Result<(), kube::Error> {
        let mut page = Page::first();
        loop {
            let bytes = list(&self.client, &self.request(), Some(selector), false, &mut page).await?;
            let text = String::from_utf8_lossy(&bytes);
            let listed = page::split(&text).ok_or_else(unreadable_answer)?;
            listed.items.iter().for_each(|item| take(item));
            match listed.next {
                Some(next) => page.continue_with(next),
                None => return Ok(()),
            }
        }
    }
}

fn body(object: &impl Serialize) -> Result<Vec<u8>, kube::Error> {
    serde_json::to_vec(object).map_err(kube::Error::SerdeError)
}
