//! `sealer reseal`: seals every value of a tree of files anew for another key; nothing else in them changes.

use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use sealer_core::seal::{Trials, unseal_counted};
use sealer_core::{Certificate, Keyring, SealedValue, SealingKey, api, seal};
use serde_json::{Value, json};

use crate::certificate;
use crate::cluster::{Answer, Cluster};
use crate::diagnostics::CliError;
use crate::key_files;
use crate::manifest;
use crate::manifest::patch::{Edited, PatchError, Replacement};
use crate::request::Reseal;
use crate::tree::{self, SealedObject};
use crate::ui::{self, Ui};

pub(crate) fn run(request: &Reseal, ui: &mut Ui) -> Result<(), CliError> {
    let files = tree::files(&request.paths)?;
    let progress = ui.progress("resealing", files.len());
    let reports: Vec<Report> = if request.keys.is_empty() {
        let sealer = Online::connect(request)?;
        files.iter().map(|path| sealer.file(path, request, &progress)).collect()
    } else {
        let sealer = Offline::load(request, ui)?;
        files.par_iter().map(|path| sealer.file(path, request, &progress)).collect()
    };
    drop(progress);
    report(request, &reports, ui)
}

/// What became of a file.
struct Report {
    path: PathBuf,
    /// Items sealed anew, as `namespace/name item`.
    changed: Vec<String>,
    unchanged: usize,
    failed: Vec<Failure>,
    diff: String,
}

struct Failure {
    /// The object and item, or nothing for the whole file.
    place: String,
    reason: String,
}

/// How the values of one object are sealed anew.
trait Sealer: Sync {
    /// For each item: a new value, none where the old one stays, or why it cannot be done.
    fn object(&self, object: &SealedObject) -> Vec<Result<Option<String>, String>>;

    fn file(&self, path: &Path, request: &Reseal, progress: &ui::Progress) -> Report {
        let mut report = Report {
            path: path.to_owned(),
            changed: Vec::new(),
            unchanged: 0,
            failed: Vec::new(),
            diff: String::new(),
        };
        if let Err(reason) = self.edit(&mut report, request) {
            report.changed.clear();
            report.failed.push(Failure { place: String::new(), reason });
        }
        progress.step();
        report
    }

    /// Reads, seals, edits, and puts the file in place if it is still the one that was read.
    fn edit(&self, report: &mut Report, request: &Reseal) -> Result<(), String> {
        let path = report.path.to_string_lossy().into_owned();
        let told = |error: CliError| error.message().to_owned();
        let bytes = ui::read(Some(&path)).map_err(told)?;
        if !manifest::holds(&bytes, "SealedSecret") {
            return Ok(());
        }
        let text = std::str::from_utf8(&bytes).map_err(|_| "is no UTF-8".to_owned())?;
        let edited = Edited::read(text).map_err(|error| error.to_string())?;
        let mut replacements = Vec::new();
        for object in tree::objects(&edited) {
            self.collect(&object, report, &mut replacements);
        }
        if replacements.is_empty() {
            return Ok(());
        }
        let new = edited.with(&replacements).map_err(|error: PatchError| error.to_string())?;
        if request.diff {
            report.diff = diff(&path, text, &new);
        }
        if request.check || request.dry_run {
            return Ok(());
        }
        if fs::read(&path).ok().as_deref() != Some(&bytes) {
            return Err("was changed by somebody else meanwhile".to_owned());
        }
        ui::replace(&path, new.as_bytes()).map_err(told)
    }

    fn collect(&self, object: &SealedObject, report: &mut Report, replacements: &mut Vec<Replacement>) {
        let results = if object.templated {
            let reason = "its name or namespace is a template, and the value is bound to them";
            object.items.iter().map(|_| Err(reason.to_owned())).collect()
        } else {
            self.object(object)
        };
        for (item, result) in object.items.iter().zip(results) {
            let place =
                format!("document {}, {}/{}, item {}", object.document, object.namespace, object.name, item.name);
            match result {
                Ok(Some(value)) => {
                    report.changed.push(place);
                    replacements.push(Replacement { path: item.path.clone(), value });
                }
                Ok(None) => report.unchanged += 1,
                Err(reason) => report.failed.push(Failure { place, reason }),
            }
        }
    }
}

/// Opens with private keys at hand.
struct Offline {
    keyring: Keyring,
    target: SealingKey,
}

impl Offline {
    fn load(request: &Reseal, ui: &Ui) -> Result<Self, CliError> {
        let keyring = key_files::load(&request.keys, ui)?;
        let certificate: Certificate = certificate::load(request.certificate.as_deref(), &request.cluster)?;
        certificate.check_validity(ui::now()).map_err(|error| CliError::new(error.to_string()))?;
        Ok(Self { keyring, target: certificate.key().clone() })
    }
}

impl Sealer for Offline {
    fn object(&self, object: &SealedObject) -> Vec<Result<Option<String>, String>> {
        let label = object.label();
        // The target's own key comes first: most files are current already.
        let mut trials = Trials::preferring(vec![self.target.fingerprint().clone()]);
        let anew = |value: &str, trials: &mut Trials| -> Result<Option<String>, String> {
            let sealed = SealedValue::from_base64(value).map_err(|error| error.to_string())?;
            let opened = unseal_counted(&sealed, &label, &self.keyring, trials)
                .map_err(|_| "no key at hand opens it under this name, namespace and scope".to_owned())?;
            if opened.fingerprint == *self.target.fingerprint() {
                return Ok(None);
            }
            let sealed = seal(&opened.plaintext, &label, &self.target).map_err(|error| error.to_string())?;
            Ok(Some(sealed.to_base64()))
        };
        object.items.iter().map(|item| anew(&item.value, &mut trials)).collect()
    }
}

/// Has the controller seal anew.
struct Online {
    cluster: std::sync::Mutex<Cluster>,
    path: String,
}

impl Online {
    fn connect(request: &Reseal) -> Result<Self, CliError> {
        if request.certificate.is_some() {
            return Err(CliError::new(
                "another certificate can be sealed for only with the private keys that open the files",
            )
            .hint(
                "give them with --private-key or --backup, or leave --cert out to reseal for the cluster's newest key",
            ));
        }
        let cluster = Cluster::connect(&request.cluster)?;
        let path = cluster.path(api::ROTATE)?;
        Ok(Self { cluster: std::sync::Mutex::new(cluster), path })
    }

    fn rotated(&self, object: &SealedObject) -> Result<Value, String> {
        let items: serde_json::Map<String, Value> =
            object.items.iter().map(|item| (item.name.clone(), Value::String(item.value.clone()))).collect();
        let mut metadata = json!({ "name": object.name, "namespace": object.namespace });
        if let (Some(annotation), Some(metadata)) = (object.scope.annotation(), metadata.as_object_mut()) {
            metadata.insert("annotations".to_owned(), json!({ annotation: "true" }));
        }
        let posted = json!({
            "kind": "SealedSecret", "apiVersion": "bitnami.com/v1alpha1", "metadata": metadata,
            "spec": { "template": {}, "encryptedData": items },
        });
        let cluster = self.cluster.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match cluster.post(&self.path, posted.to_string()) {
            Ok(Answer::Ok(text)) => {
                serde_json::from_str(&text).map_err(|_| "the controller's answer is no SealedSecret".to_owned())
            }
            Ok(Answer::Conflict) => Err("the controller cannot open it".to_owned()),
            Err(cause) => Err(cause),
        }
    }
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

/// The lines that differ, as a patch shows them.
fn diff(path: &str, old: &str, new: &str) -> String {
    let mut text = format!("--- {path}\n+++ {path}\n");
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let begin = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let end = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
    let end = end.min(old.len().min(new.len()) - begin);
    let (old, new) =
        (old.get(begin..old.len() - end).unwrap_or_default(), new.get(begin..new.len() - end).unwrap_or_default());
    text.push_str(&format!("@@ -{0},{1} +{0},{2} @@\n", begin + 1, old.len(), new.len()));
    let lines = |mark: char, lines: &[&str]| lines.iter().map(|line| format!("{mark}{line}\n")).collect::<String>();
    if old.len() == new.len() {
        for (old, new) in old.iter().zip(new) {
            let same = old == new;
            text.push_str(&if same { format!(" {old}\n") } else { format!("-{old}\n+{new}\n") });
        }
        return text;
    }
    text + &lines('-', old) + &lines('+', new)
}

fn report(request: &Reseal, reports: &[Report], ui: &mut Ui) -> Result<(), CliError> {
    let changed: usize = reports.iter().map(|report| report.changed.len()).sum();
    let files = reports.iter().filter(|report| !report.changed.is_empty()).count();
    let unchanged: usize = reports.iter().map(|report| report.unchanged).sum();
    let failed: usize = reports.iter().map(|report| report.failed.len()).sum();
    for report in reports {
        ui.write(&report.diff);
    }
    if request.json {
        ui.write(format!("{}\n", as_json(reports, unchanged)));
    } else {
        for (report, failure) in
            reports.iter().flat_map(|report| report.failed.iter().map(move |failure| (report, failure)))
        {
            let place = if failure.place.is_empty() { String::new() } else { format!("{}: ", failure.place) };
            ui.notice(&format!("{}: {place}{}", report.path.display(), failure.reason));
        }
        let would = if request.check || request.dry_run { "to be sealed anew" } else { "sealed anew" };
        ui.notice(&format!("{changed} values in {files} files {would}, {unchanged} current, {failed} failed"));
    }
    ui.flush()?;
    match (failed, request.check && changed > 0) {
        (0, false) => Ok(()),
        (0, true) => {
            Err(CliError::new(format!("{changed} values are not sealed for the newest key"))
                .hint("sealer reseal PATH..."))
        }
        (failed, _) => Err(CliError::new(format!("{failed} could not be sealed anew; they are as they were"))),
    }
}

fn as_json(reports: &[Report], unchanged: usize) -> Value {
    let path = |report: &Report| report.path.to_string_lossy().into_owned();
    let changed: Vec<Value> = reports
        .iter()
        .filter(|report| !report.changed.is_empty())
        .map(|report| json!({ "file": path(report), "items": report.changed }))
        .collect();
    let failures = |report: &Report| -> Vec<Value> {
        let told =
            |failure: &Failure| json!({ "file": path(report), "place": failure.place, "reason": failure.reason });
        report.failed.iter().map(told).collect()
    };
    let failed: Vec<Value> = reports.iter().flat_map(failures).collect();
    json!({ "changed": changed, "unchanged": unchanged, "failed": failed })
}
