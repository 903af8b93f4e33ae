//! Sealing: every Secret of the input becomes a SealedSecret, all of them or none.

mod stream;
pub(crate) mod usable;

use std::fs::File;

use rayon::prelude::*;
use sealer_core::{Certificate, Label, Scope, SealingKey, seal};
use sealer_resource::SecretContent;
use sealer_resource::template_metadata::{announce, is_clear_text_copy};
use serde_json::Value;

use crate::diagnostics::CliError;
use crate::input::{self, Input};
use crate::leak::{self, Leak};
use crate::manifest::patch::EditableText;
use crate::manifest::read::{self, Document, Wanted};
use crate::manifest::secret::{NO_DATA, SecretInput, secrets};
use crate::previous_ciphertexts::PreviousCiphertexts;
use crate::request::{Compat, Mode, ScopeChoice};
use crate::ui::{Ui, Weight};
use crate::{certificate, cluster, names, tree};

pub(crate) fn run(request: &Compat, ui: &mut Ui) -> Result<(), CliError> {
    let certificate = certificate::load(request.certificate.as_deref(), &request.cluster)?;
    let kept = match request.output.as_deref().filter(|_| request.kept.is_some()) {
        Some(path) => kept(request, path, &before(path)?, ui)?,
        None => None,
    };
    let bound = Bound { name: request.name.clone(), namespace: String::new(), kept };
    stream::seal_all(request, &bound, &certificate, ui)
}

/// What a file holds that is going to be replaced; nothing if it cannot be read.
fn before(path: &str) -> Result<Vec<u8>, CliError> {
    File::open(path).map_or_else(|_| Ok(Vec::new()), |file| input::read_from(file, path, Input::Manifests))
}

/// What every Secret is sealed for, whatever it says itself; empty texts leave it alone.
pub(crate) struct Bound {
    pub(crate) name: String,
    pub(crate) namespace: String,
    /// What is sealed already.
    pub(crate) kept: Option<PreviousCiphertexts>,
}

/// What tells which values of a file are unchanged, if that is asked for.
pub(crate) fn kept(
    request: &Compat,
    path: &str,
    bytes: &[u8],
    ui: &Ui,
) -> Result<Option<PreviousCiphertexts>, CliError> {
    let Some(keys) = &request.kept else { return Ok(None) };
    let edited = std::str::from_utf8(bytes).ok().and_then(|text| EditableText::read(text).ok());
    let Some(edited) = edited else {
        ui.notice(&format!("warning: {path} cannot be read as it was; all values are sealed anew"));
        return Ok(None);
    };
    PreviousCiphertexts::load(&tree::objects(&edited), keys, &request.cluster, ui).map(Some)
}

/// The documents of the input.
pub(crate) fn input(request: &Compat) -> Result<Vec<Document>, CliError> {
    let input = input::read(request.input.as_deref(), Input::Manifests)?;
    read::documents(&input, request.input.as_deref().unwrap_or("stdin"), Wanted::Secrets)
}

/// Documents of the input, sealed.
pub(crate) fn documents(
    input: Vec<Document>,
    request: &Compat,
    bound: &Bound,
    certificate: &Certificate,
    ui: &Ui,
) -> Result<Vec<Value>, CliError> {
    let prepared = prepared(input, 0, request, bound, &|weight, text| ui.tell(weight, request.has_old_name, text))?;
    if prepared.is_empty() {
        return Err(nothing_found());
    }
    sealed(prepared, bound, certificate, |document| document)
}

/// `finish` makes of each document what is wanted of it.
fn sealed<T: Send>(
    prepared: Vec<Prepared>,
    bound: &Bound,
    certificate: &Certificate,
    finish: impl Fn(Value) -> T + Sync,
) -> Result<Vec<T>, CliError> {
    let seal_one = |prepared: Prepared| seal_document(&prepared, certificate.key(), bound.kept.as_ref()).map(&finish);
    // A pool of threads costs more than a few values do.
    if prepared.len() == 1 {
        return prepared.into_iter().map(seal_one).collect();
    }
    prepared.into_par_iter().map(seal_one).collect()
}

/// The Secrets of some documents, of which others came `before`, checked: after this nothing is wrong with any of them.
fn prepared(
    documents: Vec<Document>,
    before: usize,
    request: &Compat,
    bound: &Bound,
    tell: &dyn Fn(Weight, &str),
) -> Result<Vec<Prepared>, CliError> {
    let secrets = secrets(documents, request.has_old_name)?;
    if secrets.len() > 1 && !request.name.is_empty() {
        let told = format!("warning: --name gives all {} Secrets of the input the same name", secrets.len());
        tell(Weight::Loss, &told);
    }
    let prepared: Vec<Prepared> =
        secrets.into_iter().map(|secret| prepare(secret, request, bound)).collect::<Result<_, _>>()?;
    request.format()?;
    for (at, prepared) in prepared.iter().enumerate() {
        for (weight, warning) in &prepared.warnings {
            tell(*weight, &format!("warning: document {}: {warning}", before + at + 1));
        }
    }
    Ok(prepared)
}

fn nothing_found() -> CliError {
    CliError::new("no secrets found. Ensure the input is valid and UTF-8 encoded")
        .hint("pipe in the output of: kubectl create secret … --dry-run=client -o yaml")
}

/// A Secret whose name, namespace and scope are settled.
struct Prepared {
    secret: SecretInput,
    scope: Scope,
    warnings: Vec<(Weight, String)>,
}

fn prepare(mut secret: SecretInput, request: &Compat, bound: &Bound) -> Result<Prepared, CliError> {
    let strays = std::mem::take(&mut secret.strays);
    if let Some(encrypted) = strays.encrypted.as_ref().filter(|_| !request.allow_encrypted_values) {
        return Err(CliError::new(encrypted.clone())
            .hint("nothing was sealed; --allow-encrypted-values seals the text as it stands"));
    }
    if !request.allow_unknown_fields {
        refuse_loss(&strays.lost)?;
    }
    if secret.items.is_empty() && !request.allow_empty_data {
        // Where the values stand instead, scripts know the line.
        return Err(strays.lost.into_iter().chain(strays.odd).fold(CliError::new(NO_DATA), CliError::hint));
    }
    let other = other_object(&secret, request, bound)?;
    for (field, text) in [("name", &bound.name), ("namespace", &bound.namespace)] {
        if !text.is_empty() {
            secret.set(field, text);
        }
    }
    if secret.text("name").is_empty() {
        return Err(CliError::new("missing metadata.name in input Secret")
            .hint("give it with --name; generateName is no substitute, since values are bound to the name"));
    }
    let (scope, warning) = settle_scope(&mut secret, request.scope);
    if scope.binds_namespace() {
        settle_namespace(&mut secret, request)?;
    }
    let mut warnings = weighed(Weight::Loss, warning);
    warnings.extend(weighed(Weight::Slip, other));
    warnings.extend(weighed(Weight::Loss, strays.encrypted.into_iter().chain(strays.lost)));
    warnings.extend(weighed(Weight::Slip, strays.odd));
    if !request.allow_plaintext_annotations {
        let possible = refuse_leak(&secret)?;
        // Names and hosts stand there rightly: scripts need not hear of it.
        warnings.extend(weighed(Weight::Possible, possible));
    }
    warnings.extend(weighed(Weight::Loss, unusable_name(&secret, scope)));
    warnings.extend(weighed(Weight::Loss, usable::warnings(&secret)));
    warnings.extend(weighed(Weight::Slip, usable::refused_type(&secret)));
    warnings.extend(weighed(Weight::Slip, usable::odd_type(&secret)));
    warnings.extend(usable::placeholders(&secret));
    warnings.extend(weighed(Weight::Possible, usable::perhaps_encrypted(&secret)));
    // What is merged need not be complete, and a template may complete the rest.
    if !matches!(request.mode, Mode::MergeInto { .. }) {
        warnings.extend(weighed(Weight::Possible, usable::incomplete(&secret)));
    }
    Ok(Prepared { secret, scope, warnings })
}

/// Refuses to merge into a file whose object has another name or namespace than the Secret, unless flags say that it is meant.
/// Scripts that call the program by its old name are told at most.
fn other_object(secret: &SecretInput, request: &Compat, bound: &Bound) -> Result<Option<String>, CliError> {
    let Mode::MergeInto { path } = &request.mode else { return Ok(None) };
    let given = request.cluster.namespace.as_deref().unwrap_or_default();
    let fields = [("namespace", given, &bound.namespace), ("name", &request.name, &bound.name)];
    let is_other = |(field, given, of_file): &(&str, &str, &String)| {
        let own = secret.text(field);
        !own.is_empty() && !of_file.is_empty() && own != *of_file && *given != of_file.as_str()
    };
    let Some((field, _, of_file)) = fields.into_iter().find(is_other) else { return Ok(None) };
    let of_secret = names::name(secret.text(field));
    let told = format!("{path} holds a SealedSecret of {field} `{of_file}`, and the Secret has {field} `{of_secret}`");
    if request.has_old_name {
        return Ok(Some(format!("{told}; it is sealed for `{of_file}`")));
    }
    Err(CliError::new(told)
        .hint(format!("nothing was written; if it is the right file, say so with --{field} {of_file}")))
}

/// Refuses an input of which something would not come out, and names it.
fn refuse_loss(lost: &[String]) -> Result<(), CliError> {
    let Some((first, others)) = lost.split_first() else { return Ok(()) };
    let error = others.iter().take(TOLD).cloned().fold(CliError::new(first.clone()), CliError::hint);
    Err(error.hint("nothing was sealed; --allow-unknown-fields seals all the same what is left"))
}

fn weighed(weight: Weight, told: impl IntoIterator<Item = String>) -> Vec<(Weight, String)> {
    told.into_iter().map(|told| (weight, told)).collect()
}

/// A value that certainly stands in an annotation or a label would go into Git in clear text, beside its sealed form.
/// Returns what may be such a place.
fn refuse_leak(secret: &SecretInput) -> Result<Vec<String>, CliError> {
    let annotations = secret.annotations().into_iter().filter(|(name, _)| !is_clear_text_copy(name));
    let annotations = annotations.map(|(name, text)| ("annotation", name, text));
    let labels = secret.labels().into_iter().map(|(name, text)| ("label", name, text));
    let (values, mut possible) = (leak::Values::of(&secret.items), Vec::new());
    for (kind, name, text) in annotations.chain(labels) {
        let Some((item, leak)) = values.find(&name, &text) else { continue };
        let (shown, item) = (names::name(&name), names::name(item));
        let told = format!("{kind} `{shown}` holds the value of item `{item}` in clear text");
        if leak == Leak::Certain {
            return Err(CliError::new(format!("{told}; it would not be sealed"))
                .hint(format!("take the {kind} out, or seal all the same with --allow-plaintext-annotations")));
        }
        possible.push(told);
    }
    Ok(possible)
}

/// Existing scripts may seal for any name; one that no cluster takes is most likely a slip.
fn unusable_name(secret: &SecretInput, scope: Scope) -> Option<String> {
    let refused = Label::new(scope, secret.text("namespace"), secret.text("name")).err()?;
    Some(format!("{}; no cluster will accept the result", names::refused(&refused)))
}

/// A scope that was named wins over the input's annotations, and tells where they would have widened it.
fn settle_scope(secret: &mut SecretInput, choice: ScopeChoice) -> (Scope, Option<String>) {
    let mut annotations = secret.annotations();
    let announced = Scope::from_annotations(&annotations);
    let ScopeChoice::Named(scope) = choice else { return (announced, None) };
    if scope.annotation().is_some() || announced != scope {
        announce(&mut annotations, scope, "true".to_owned());
        secret.set_annotations(annotations);
    }
    let warning = (announced > scope).then(|| {
        format!("the annotation of the input for the scope {announced} is left out: --scope {scope} was given")
    });
    (scope, warning)
}

fn settle_namespace(secret: &mut SecretInput, request: &Compat) -> Result<(), CliError> {
    let chosen = cluster::namespace(&request.cluster);
    let own = secret.text("namespace").to_owned();
    if let Ok((namespace, true)) = &chosen
        && !own.is_empty()
        && own != *namespace
    {
        return Err(CliError::new(format!(
            "namespace mismatch: input secret is in namespace \"{}\" but \"{}\" was specified",
            names::of_object(&own),
            names::name(namespace)
        ))
        .hint(
            "leave -n/--namespace and the variable SEALED_SECRETS_NAMESPACE out, or change the namespace of the Secret",
        ));
    }
    if !own.is_empty() {
        return Ok(());
    }
    match chosen {
        Ok((namespace, _)) if !namespace.is_empty() => {
            secret.set("namespace", &namespace);
            Ok(())
        }
        Ok(_) => Err(CliError::new(NO_NAMESPACE).hint(GIVE_NAMESPACE)),
        // A kubeconfig that was named and is not there, or cannot be read, is why.
        Err(error) => Err(error.beneath(NO_NAMESPACE).hint(GIVE_NAMESPACE)),
    }
}

/// The line that scripts know.
const NO_NAMESPACE: &str = "secret must declare a namespace";
const GIVE_NAMESPACE: &str = "give it with -n/--namespace";

fn seal_document(prepared: &Prepared, key: &SealingKey, kept: Option<&PreviousCiphertexts>) -> Result<Value, CliError> {
    let Prepared { secret, scope, .. } = prepared;
    let SecretInput { metadata, type_, immutable, items, .. } = secret;
    let content = SecretContent { metadata, type_: type_.as_deref(), immutable: *immutable, items };
    let sealed =
        content.seal_with(*scope, |label, item, value| match kept.and_then(|kept| kept.kept(label, item, value)) {
            Some(kept) => Ok(kept),
            None => Ok(seal(value, label, key).map_err(|error| CliError::new(error.to_string()))?.to_base64()),
        });
    serde_json::to_value(sealed?).map_err(|error| CliError::new(error.to_string()))
}

/// Losses in one message, besides the first.
const TOLD: usize = 8;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::Map;

    use super::*;

    /// What becomes of a scope and of the annotations, for what was named and what the input announces.
    fn settled(choice: ScopeChoice, annotations: &[(&str, &str)]) -> (Scope, Vec<String>, Option<String>) {
        let mut secret = SecretInput {
            metadata: Map::new(),
            type_: None,
            immutable: None,
            items: BTreeMap::new(),
            strays: Default::default(),
        };
        let given = annotations.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        secret.set_annotations(given.chain([("other".to_owned(), "kept".to_owned())]).collect());
        let (scope, warning) = settle_scope(&mut secret, choice);
        let left = secret.annotations().into_iter().map(|(name, value)| format!("{name}={value}"));
        (scope, left.filter(|annotation| annotation != "other=kept").collect(), warning)
    }

    #[test]
    fn a_scope_that_is_named_wins_and_tells_where_it_is_narrower() {
        for announced in Scope::ALL {
            let given: Vec<(&str, &str)> = announced.annotation().map(|name| (name, "true")).into_iter().collect();
            let kept: Vec<String> = given.iter().map(|(name, value)| format!("{name}={value}")).collect();
            assert_eq!(settled(ScopeChoice::Annotations, &given), (announced, kept, None));
            for named in Scope::ALL {
                let (scope, left, warning) = settled(ScopeChoice::Named(named), &given);
                let wanted: Vec<String> = named.annotation().map(|name| format!("{name}=true")).into_iter().collect();
                assert_eq!((scope, left), (named, wanted), "{named} over {announced}");
                assert_eq!(warning.is_some(), announced > named, "{named} over {announced}");
            }
        }
        let both: Vec<_> = Scope::annotations().map(|name| (name, "true")).collect();
        let (scope, left, warning) = settled(ScopeChoice::Named(Scope::Strict), &both);
        assert_eq!((scope, left), (Scope::Strict, Vec::new()));
        assert_eq!(
            warning.as_deref(),
            Some("the annotation of the input for the scope cluster-wide is left out: --scope strict was given")
        );
        // What announces nothing stays as it is.
        let idle = [("sealedsecrets.bitnami.com/cluster-wide", "false")];
        assert_eq!(
            settled(ScopeChoice::Named(Scope::Strict), &idle).1,
            ["sealedsecrets.bitnami.com/cluster-wide=false"]
        );
    }
}
