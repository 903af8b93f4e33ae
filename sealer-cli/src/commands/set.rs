//! `sealer set` and `sealer unset`: one item of a SealedSecret in a file, and nothing else of it.

use std::io::IsTerminal as _;
use std::path::Path;

use sealer_core::{Plaintext, seal};

use crate::certificate;
use crate::commands::rewrite::Rewrite;
use crate::commands::seal::usable::sealed_warning;
use crate::commands::value::{self, Origin};
use crate::commands::{chosen, in_clear};
use crate::diagnostics::CliError;
use crate::input::{self, Input};
use crate::manifest::patch::{Edited, PatchError, Replacement};
use crate::names;
use crate::prompt;
use crate::request::items::{Set, Unset, Writing};
use crate::tree::{self, SealedObject};
use crate::ui::Ui;
use crate::unchanged::Unchanged;

pub(crate) fn set(request: &Set, ui: &mut Ui) -> Result<(), CliError> {
    let target = &request.target;
    chosen::check_item(&request.item)?;
    let file = Rewrite::read(&target.file)?;
    let edited = chosen::parsed(&target.file, file.text())?;
    let object = chosen::object(&edited, file.text(), target)?;
    if let Some(misread) = chosen::misread(&edited, &object) {
        ui.notice(&format!("warning: {misread}"));
    }
    let applied = tree::kustomized(&object, Path::new(&target.file));
    let label = chosen::label(&applied, request.cluster.namespace.as_deref())?;
    let certificate = certificate::load(request.certificate.as_deref(), &request.cluster)?;
    let value = given(request, ui)?;
    if let Some(in_clear) = in_clear::find(&edited, &object, &request.item, &value).filter(|_| !request.allow_in_clear)
    {
        in_clear.refused(&request.item)?;
        ui.notice_reader(&format!("warning: {}", in_clear.told(&request.item)));
    }
    if let Some(encrypted) = value::encrypted(&value, request.allow_encrypted)? {
        ui.notice(&format!("warning: {encrypted}"));
    }
    let others = object.items.iter().filter(|item| item.name != request.item).map(|item| item.value.as_str());
    if let Some(warning) = sealed_warning(others, value.expose().len()) {
        ui.notice(&format!("warning: {warning}"));
    }
    let place = format!("item `{}` of {}", request.item, chosen::full_name(&object));
    if request.keep_unchanged
        && Unchanged::load(std::slice::from_ref(&applied), &request.keys, &request.cluster, ui)?
            .kept(&label, &request.item, &value)
            .is_some()
    {
        ui.notice(&format!("{place} is that value already; nothing changed"));
        return Ok(());
    }
    let sealed = seal(&value, &label, certificate.key()).map_err(|error| CliError::new(error.to_string()))?.to_base64();
    let mut done = "";
    file.finish_in_turn(request.writing, ui, |text| {
        let edited = chosen::parsed(&target.file, text)?;
        let object = chosen::object(&edited, text, target)?;
        let applied = tree::kustomized(&object, Path::new(&target.file));
        if chosen::label(&applied, request.cluster.namespace.as_deref())? != label {
            return Err(CliError::new(format!("{} was changed by somebody else meanwhile", target.file))
                .hint(chosen::UNTOUCHED));
        }
        let (new, what) =
            with(&edited, &object, &request.item, sealed).map_err(|error| chosen::refused(&target.file, &error))?;
        done = what;
        Ok(new)
    })?;
    ui.notice(&format!("{}{}", told(&place, done, request.writing), chosen::applied(&object, &applied)));
    Ok(())
}

pub(crate) fn unset(request: &Unset, ui: &mut Ui) -> Result<(), CliError> {
    let target = &request.target;
    let file = Rewrite::read(&target.file)?;
    let mut place = String::new();
    file.finish_in_turn(request.writing, ui, |text| {
        let edited = chosen::parsed(&target.file, text)?;
        let object = chosen::object(&edited, text, target)?;
        place = format!("item `{}` of {}", names::name(&request.item), chosen::full_name(&object));
        let item = object.items.iter().find(|item| item.name == request.item).ok_or_else(|| {
            let names: Vec<&str> = object.items.iter().map(|item| item.name.as_str()).collect();
            let there = if names.is_empty() { "no item".to_owned() } else { names.join(", ") };
            CliError::new(format!("there is no {place}")).hint(format!("it has {there}"))
        })?;
        edited.without_entry(&item.path).map_err(|error| chosen::refused(&target.file, &error))
    })?;
    ui.notice(&told(&place, "removed", request.writing));
    Ok(())
}

/// The text with an item replaced or added, and which of both it was.
fn with(
    edited: &Edited<'_>,
    object: &SealedObject,
    item: &str,
    sealed: String,
) -> Result<(String, &'static str), PatchError> {
    match object.items.iter().find(|known| known.name == item) {
        Some(known) => Ok((edited.with(&[Replacement { path: known.path.clone(), value: sealed }])?, "changed")),
        None => Ok((edited.with_entry(&object.entries(), item, &sealed)?, "added")),
    }
}

/// From the file, from what is piped in as it is, or typed without being seen.
fn given(request: &Set, ui: &Ui) -> Result<Plaintext, CliError> {
    let typed = request.from_file.is_none() && std::io::stdin().is_terminal();
    let value = if typed {
        let question = format!("value of `{}`: ", request.item);
        // Whoever answers with nothing has thought better of it.
        let line = prompt::secret(&question).filter(|line| !line.is_empty()).ok_or_else(|| {
            CliError::new("no value was given").hint("an empty one is piped in: printf '' | sealer set FILE ITEM")
        })?;
        Plaintext::new(line.as_bytes().to_vec())
    } else {
        let (value, told) = value::taken(input::read(request.from_file.as_deref(), Input::Value)?, request.trim);
        if let Some(told) = told {
            ui.notice(&format!("warning: {told}"));
        }
        value
    };
    let origin = if typed || request.from_file.is_some() { Origin::File } else { Origin::Piped };
    for oddity in value::oddities(&value, origin) {
        ui.notice(&format!("warning: {oddity}"));
    }
    if value.expose().is_empty() {
        ui.notice("warning: the value is empty");
    }
    Ok(value)
}

fn told(place: &str, done: &str, writing: Writing) -> String {
    if writing.dry_run { format!("{place} would be {done}") } else { format!("{place} {done}") }
}
