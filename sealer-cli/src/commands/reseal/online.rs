//! Has the controller open and seal anew: whoever may reach it needs no key.

use sealer_core::api;
use serde_json::{Map, Value, json};

use super::Sealer;
use crate::cluster::{Answer, Cluster};
use crate::diagnostics::CliError;
use crate::request::Reseal;
use crate::tree::SealedObject;

pub(super) struct Online {
    cluster: Cluster,
    path: String,
}

impl Online {
    pub(super) fn connect(request: &Reseal) -> Result<Self, CliError> {
        if request.certificate.is_some() {
            return Err(CliError::new(
                "another certificate can be sealed for only with the private keys that open the files",
            )
            .hint("give them with --private-key, or leave --cert out to reseal for the cluster's newest key"));
        }
        let cluster = Cluster::connect(&request.cluster)?;
        let path = cluster.path(api::ROTATE)?;
        Ok(Self { cluster, path })
    }

    fn rotated(&self, object: &SealedObject) -> Result<Value, String> {
        match self.cluster.post(&self.path, posted(object).to_string()) {
            Ok(Answer::Ok(text)) => {
                serde_json::from_str(&text).map_err(|_| "the controller's answer is no SealedSecret".to_owned())
            }
            Ok(Answer::Conflict) => Err("the controller cannot open it".to_owned()),
            Err(cause) => Err(cause),
        }
    }
}

/// What the controller needs of an object: what its values are bound to, and the values.
fn posted(object: &SealedObject) -> Value {
    let items: Map<String, Value> =
        object.items.iter().map(|item| (item.name.clone(), Value::String(item.value.clone()))).collect();
    let mut metadata = json!({ "name": object.name, "namespace": object.namespace });
    if let (Some(annotation), Some(metadata)) = (object.scope.annotation(), metadata.as_object_mut()) {
        metadata.insert("annotations".to_owned(), json!({ annotation: "true" }));
    }
    json!({
        "kind": "SealedSecret", "apiVersion": "bitnami.com/v1alpha1", "metadata": metadata,
        "spec": { "template": {}, "encryptedData": items },
    })
}

impl Sealer for Online {
    fn object(&self, object: &SealedObject) -> Vec<Result<Option<String>, String>> {
        let answer = self.rotated(object);
        let anew = |item: &str| {
            let answer = answer.as_ref().map_err(Clone::clone)?;
            let value = answer.pointer("/spec/encryptedData").and_then(|items| items.get(item)).and_then(Value::as_str);
            value.map(|value| Some(value.to_owned())).ok_or_else(|| "the controller's answer lacks it".to_owned())
        };
        object.items.iter().map(|item| anew(&item.name)).collect()
    }
}
